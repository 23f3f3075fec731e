#include "desired.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INSTANCE_BYTES_MAX = 512 * 1024, FRAME_HEAD = 4 };

typedef struct set {
	uint64_t generation;
	sot_map *instances; /* owns one reference each */
} set;

struct desired {
	uint64_t epoch;
	set now;
	set staged; /* instances NULL: nothing staged */
	/* What the parts collected so far belong to. */
	uint64_t part_generation, part_from;
	unsigned part_next, parts;
};

desired_instance *desired_instance_ref(desired_instance *i)
{
	i->references++;
	return i;
}

desired_instance *desired_instance_unref(desired_instance *i)
{
	if (i && --i->references == 0) {
		sot_arena_free(i->arena);
		free(i);
	}
	return NULL;
}

/* A deep copy by way of the wire: the schema's bounds are checked on the way. */
static sot_code encode_one(
    uint64_t epoch, uint64_t generation, const sot_instance_spec *spec, sot_buf *out, sot_err *err)
{
	sot_assign message = {.epoch = epoch,
	    .generation = generation,
	    .parts = 1,
	    .instances = (sot_instance_spec *)(uintptr_t)spec,
	    .instances_count = spec ? 1 : 0};
	return sot_assign_encode(&message, out, err);
}

/* Decoded twice, the second time into just the room that it needs: it stays for long, and a host
 * has many. */
static sot_code decode_one(
    sot_str frame, sot_assign *ret_head, desired_instance **ret, sot_err *err)
{
	sot_assign message = {0};
	SOT_AUTO(sot_arena) first = sot_arena_new(INSTANCE_BYTES_MAX);
	sot_code code = sot_assign_decode(frame, first, &message, err);
	if (code != SOT_OK)
		return code;
	SOT_AUTO(sot_arena) arena = sot_arena_new(sot_arena_used(first));
	code = sot_assign_decode(frame, arena, &message, err);
	if (code != SOT_OK)
		return code;
	if (message.instances_count > 1)
		return sot_fail(err, SOT_INVALID, "more than one instance in a stored frame");
	desired_instance *copy = NULL;
	if (message.instances_count == 1) {
		copy = sot_alloc(sizeof(*copy));
		copy->spec = message.instances[0];
		copy->references = 1;
		copy->arena = SOT_TAKE(arena);
	}
	*ret_head = message;
	*ret = copy;
	return SOT_OK;
}

sot_code desired_instance_copy(const sot_instance_spec *spec, desired_instance **ret, sot_err *err)
{
	sot_assign head;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (spec->address.family == 6 || spec->gateway.family == 6 || spec->address_v6.family == 4 ||
	    spec->gateway_v6.family == 4)
		return sot_fail(err, SOT_INVALID, "instance %.*s has an address of the other family",
		    SOT_ARG(spec->name));
	sot_code code = encode_one(0, 0, spec, &frame, err);
	if (code == SOT_OK)
		code = decode_one(sot_buf_str(&frame), &head, ret, err);
	return code;
}

static void set_clear(set *s)
{
	sot_map_iter it = {0};
	for (desired_instance *i; s->instances && (i = sot_map_next(s->instances, &it, NULL)) != NULL;)
		desired_instance_unref(i);
	s->instances = sot_map_free(s->instances);
	s->generation = 0;
}

/* Takes the reference. */
static void set_put(set *s, desired_instance *i)
{
	desired_instance_unref(sot_map_set_uuid(s->instances, i->spec.instance_id, i));
}

desired *desired_new(void)
{
	desired *d = sot_alloc(sizeof(*d));
	d->now.instances = sot_map_new();
	return d;
}

desired *desired_free(desired *d)
{
	if (d) {
		set_clear(&d->now);
		set_clear(&d->staged);
		free(d);
	}
	return NULL;
}

uint64_t desired_epoch(const desired *d)
{
	return d->epoch;
}

uint64_t desired_generation(const desired *d)
{
	return d->now.generation;
}

size_t desired_count(const desired *d)
{
	return sot_map_count(d->now.instances);
}

desired_instance *desired_get(const desired *d, sot_uuid id)
{
	return sot_map_get_uuid(d->now.instances, id);
}

desired_instance *desired_next(const desired *d, sot_map_iter *it)
{
	return sot_map_next(d->now.instances, it, NULL);
}

sot_code desired_see_epoch(desired *d, uint64_t epoch, sot_err *err)
{
	if (epoch < d->epoch)
		return sot_fail(err, SOT_DENIED, "epoch %llu is older than %llu, which was seen",
		    (unsigned long long)epoch, (unsigned long long)d->epoch);
	d->epoch = epoch;
	return SOT_OK;
}

/* A delta starts from the set in force, a full set from nothing: an instance it does not name is
 * no longer managed, and its container is left as it is. */
static void stage_begin(desired *d, const sot_assign *part)
{
	sot_map_iter it = {0};
	set_clear(&d->staged);
	d->staged.instances = sot_map_new();
	d->staged.generation = part->generation;
	d->part_generation = part->generation;
	d->part_from = part->from_generation;
	d->parts = part->parts;
	d->part_next = 0;
	if (part->from_generation == 0)
		return;
	for (desired_instance *i; (i = desired_next(d, &it)) != NULL;)
		set_put(&d->staged, desired_instance_ref(i));
}

static sot_code check_order(const desired *d, const sot_assign *part, sot_err *err)
{
	if (part->from_generation != 0 && part->from_generation != d->now.generation)
		return sot_fail(err, SOT_CONFLICT, "a delta to generation %llu, but %llu is in force",
		    (unsigned long long)part->from_generation, (unsigned long long)d->now.generation);
	if (part->part >= part->parts)
		return sot_fail(err, SOT_INVALID, "part %u of %u", part->part, part->parts);
	if (part->part == 0)
		return SOT_OK;
	if (!d->staged.instances || part->generation != d->part_generation ||
	    part->from_generation != d->part_from || part->parts != d->parts ||
	    part->part != d->part_next)
		return sot_fail(err, SOT_CONFLICT, "part %u of generation %llu came out of order",
		    part->part, (unsigned long long)part->generation);
	return SOT_OK;
}

sot_code desired_offer(desired *d, const sot_assign *part, bool *ret_complete, sot_err *err)
{
	sot_code code = desired_see_epoch(d, part->epoch, err);
	if (code == SOT_OK)
		code = check_order(d, part, err);
	if (code != SOT_OK)
		return code;
	if (part->part == 0)
		stage_begin(d, part);
	for (size_t i = 0; i < part->instances_count; i++) {
		desired_instance *copy = NULL;
		code = desired_instance_copy(&part->instances[i], &copy, err);
		if (code != SOT_OK) {
			desired_drop_staged(d);
			return code;
		}
		set_put(&d->staged, copy);
	}
	d->part_next++;
	*ret_complete = d->part_next == d->parts;
	return SOT_OK;
}

static void add_framed(sot_buf *out, sot_str frame)
{
	uint8_t head[FRAME_HEAD] = {(uint8_t)(frame.n >> 24), (uint8_t)(frame.n >> 16),
	    (uint8_t)(frame.n >> 8), (uint8_t)frame.n};
	sot_buf_add(out, head, sizeof(head));
	sot_buf_add_str(out, frame);
}

/* assignment.bin: [length u32, frame] repeated; the first frame has no instance, each other one. */
sot_code desired_render_staged(const desired *d, sot_buf *out, sot_err *err)
{
	sot_map_iter it = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	assert(d->staged.instances);
	sot_code code = encode_one(d->epoch, d->staged.generation, NULL, &frame, err);
	for (desired_instance *i; code == SOT_OK;) {
		add_framed(out, sot_buf_str(&frame));
		sot_buf_reset(&frame);
		i = sot_map_next(d->staged.instances, &it, NULL);
		if (!i)
			break;
		code = encode_one(d->epoch, d->staged.generation, &i->spec, &frame, err);
	}
	if (code == SOT_OK && sot_buf_failed(out))
		code = sot_fail(err, SOT_LIMIT, "the assignment is too large to be stored");
	return code;
}

void desired_take_staged(desired *d)
{
	assert(d->staged.instances);
	set_clear(&d->now);
	d->now = d->staged;
	d->staged = (set){0};
}

void desired_drop_staged(desired *d)
{
	set_clear(&d->staged);
}

static sot_code next_frame(sot_str *content, sot_str *ret, sot_err *err)
{
	const uint8_t *p = (const uint8_t *)content->p;
	if (content->n < FRAME_HEAD)
		return sot_fail(err, SOT_INVALID, "the file ends within a length");
	size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n > content->n - FRAME_HEAD)
		return sot_fail(err, SOT_INVALID, "the file ends within a frame");
	*ret = (sot_str){content->p + FRAME_HEAD, n};
	content->p += FRAME_HEAD + n;
	content->n -= FRAME_HEAD + n;
	return SOT_OK;
}

sot_code desired_restore(desired *d, sot_str content, sot_err *err)
{
	set found = {.instances = sot_map_new()};
	uint64_t epoch = 0;
	sot_code code = content.n ? SOT_OK : sot_fail(err, SOT_INVALID, "the file is empty");
	while (code == SOT_OK && content.n > 0) {
		sot_str frame = {0};
		sot_assign head = {0};
		desired_instance *i = NULL;
		code = next_frame(&content, &frame, err);
		if (code == SOT_OK)
			code = decode_one(frame, &head, &i, err);
		if (code != SOT_OK)
			break;
		epoch = head.epoch;
		found.generation = head.generation;
		if (i)
			set_put(&found, i);
	}
	if (code != SOT_OK) {
		set_clear(&found);
		return code;
	}
	set_clear(&d->now);
	d->now = found;
	d->epoch = epoch > d->epoch ? epoch : d->epoch;
	return SOT_OK;
}
