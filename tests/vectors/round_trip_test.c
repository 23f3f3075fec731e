/* Properties of every generated codec over random valid messages. SOT_SEED=N replays one seed. */
#include "random_message.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 5000u
#define ARENA_MAX (16u * 1024u * 1024u)

typedef struct bench {
	sot_arena *built, *decoded;
	sot_buf frame, again;
	char *message, *copy; /* type->size bytes each */
} bench;

static void bench_open(bench *b, const sot_wire_struct *type)
{
	b->built = sot_arena_new(ARENA_MAX);
	b->decoded = sot_arena_new(ARENA_MAX);
	sot_buf_init(&b->frame, 2 * SOT_WIRE_FRAME_MAX);
	sot_buf_init(&b->again, 2 * SOT_WIRE_FRAME_MAX);
	b->message = sot_alloc(type->size);
	b->copy = sot_alloc(type->size);
}

static void bench_close(bench *b)
{
	sot_arena_free(b->built);
	sot_arena_free(b->decoded);
	sot_buf_clear(&b->frame);
	sot_buf_clear(&b->again);
	free(b->message);
	free(b->copy);
}

static void must(
    sot_code code, const sot_err *err, const char *what, const sot_wire_struct *type, uint64_t seed)
{
	if (code != SOT_OK)
		fail_msg("SOT_SEED=%llu %s %s: %s", (unsigned long long)seed, what, type->name, err->text);
}

static void check_round_trip(bench *b, const sot_wire_struct *type, uint64_t seed)
{
	sot_err err = {0};
	sot_code code = sot_wire_encode(type, b->message, &b->frame, &err);
	must(code, &err, "encode", type, seed);
	code = sot_wire_decode(type, sot_buf_str(&b->frame), b->decoded, b->copy, &err);
	must(code, &err, "decode", type, seed);
	if (!message_equal(type, b->message, b->copy))
		fail_msg(
		    "SOT_SEED=%llu %s: a field changed on the way", (unsigned long long)seed, type->name);
	code = sot_wire_encode(type, b->copy, &b->again, &err);
	must(code, &err, "encode again", type, seed);
	assert_true(sot_str_eq(sot_buf_str(&b->frame), sot_buf_str(&b->again)));
}

static void check_length_is_exact(bench *b, const sot_wire_struct *type)
{
	sot_str frame = sot_buf_str(&b->frame);
	sot_str one_short = {frame.p, frame.n - 1};
	sot_str one_more = {frame.p, frame.n + 1}; /* the buffer's NUL: the integer 0 */
	assert_int_not_equal(sot_wire_decode(type, one_short, b->decoded, b->copy, NULL), SOT_OK);
	assert_int_not_equal(sot_wire_decode(type, one_more, b->decoded, b->copy, NULL), SOT_OK);
}

/* Whatever a changed byte does, what is accepted can be sent again. */
static void check_damage(bench *b, const sot_wire_struct *type, sot_rand *r, uint64_t seed)
{
	sot_err err = {0};
	for (int i = 0; i < 4; i++) {
		char *at = b->frame.p + sot_rand_below(r, b->frame.n);
		char before = *at;
		*at = (char)sot_rand_u64(r);
		sot_arena_reset(b->decoded);
		if (sot_wire_decode(type, sot_buf_str(&b->frame), b->decoded, b->copy, NULL) == SOT_OK) {
			sot_buf_reset(&b->again);
			must(sot_wire_encode(type, b->copy, &b->again, &err), &err, "damaged", type, seed);
		}
		*at = before;
	}
}

static void check_seed(uint64_t seed)
{
	sot_rand r;
	sot_rand_seed(&r, seed);
	const sot_wire_struct *type = sot_proto_messages[sot_rand_below(&r, SOT_PROTO_MESSAGE_COUNT)];
	bench b;
	bench_open(&b, type);
	random_message(&r, type, b.built, b.message);
	check_round_trip(&b, type, seed);
	check_length_is_exact(&b, type);
	check_damage(&b, type, &r, seed);
	bench_close(&b);
}

static void random_messages_survive_the_wire_and_only_whole(void **state)
{
	(void)state;
	uint64_t seed;
	if (sot_parse_u64(sot_str_c(getenv("SOT_SEED")), 0, UINT64_MAX, &seed, NULL) == SOT_OK) {
		check_seed(seed);
		return;
	}
	for (seed = 1; seed <= SEEDS; seed++)
		check_seed(seed);
}

/* One step outside of each numeric and length bound of each message's own fields. */
static void check_bounds(bench *b, const sot_wire_struct *type, const sot_wire_field *f)
{
	static const char many[4096] = {0};
	sot_str value;
	if (f->list || (f->kind != SOT_WIRE_STR && f->kind != SOT_WIRE_BYTES) || f->max >= sizeof(many))
		return;
	memcpy(&value, b->message + f->offset, sizeof(value));
	sot_str longer = {many, (size_t)f->max + 1}, shorter = {many, (size_t)f->min - 1};
	sot_err err = {0};
	memcpy(b->message + f->offset, &longer, sizeof(longer));
	assert_int_equal(sot_wire_encode(type, b->message, &b->frame, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, f->name));
	assert_int_equal(b->frame.n, 0);
	if (f->min > 0) {
		memcpy(b->message + f->offset, &shorter, sizeof(shorter));
		assert_int_equal(sot_wire_encode(type, b->message, &b->frame, &err), SOT_INVALID);
	}
	memcpy(b->message + f->offset, &value, sizeof(value));
}

static void a_length_outside_of_its_bounds_is_not_sent(void **state)
{
	(void)state;
	sot_rand r;
	sot_rand_seed(&r, 7);
	for (size_t i = 0; i < SOT_PROTO_MESSAGE_COUNT; i++) {
		const sot_wire_struct *type = sot_proto_messages[i];
		bench b;
		bench_open(&b, type);
		random_message(&r, type, b.built, b.message);
		for (size_t k = 0; k < type->field_count; k++)
			check_bounds(&b, type, &type->fields[k]);
		bench_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_messages_survive_the_wire_and_only_whole),
	    cmocka_unit_test(a_length_outside_of_its_bounds_is_not_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
