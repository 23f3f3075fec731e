#include "assign.h"

#include "middleware.h"
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_INSTANCES_MAX 200
/* A frame may have 1 MiB; the estimate of a spec below is generous. */
#define PART_BYTES_MAX 700000

/* One spec of an assignment: of an instance of the host, or of a copy that it shall give up. */
typedef struct pick {
	instance *i;        /* NULL: only the departure is known */
	const departure *d; /* NULL: it stands here */
} pick;

typedef struct picked {
	pick *items;
	size_t count, cap;
} picked;

static size_t spec_size(const pick *p)
{
	const instance *i = p->i;

	if (!i)
		return 1500;
	const app_row *a = &i->app->row;
	size_t size = 1500 + 160 * middleware_count(sot_str_c(i->row.make->middleware)) +
	              strlen(a->command) + strlen(a->health.command) + strlen(i->row.make->image);

	for (size_t k = 0; k < a->env_count; k++)
		size += 12 + strlen(a->env[k].name) + strlen(a->env[k].value);
	return size;
}

static struct sot_health_spec health_of(const health_row *h)
{
	return (struct sot_health_spec){
	    .kind = h->kind,
	    .port = h->port,
	    .path = sot_str_c(h->path),
	    .interval_ms = h->interval_ms,
	    .timeout_ms = h->timeout_ms,
	    .healthy_after = h->healthy_after,
	    .unhealthy_after = h->unhealthy_after,
	    .start_period_ms = h->start_period_ms,
	    .restart_after = h->restart_after,
	    .command = sot_str_c(h->command),
	};
}

static void set_package(struct sot_instance_spec *spec, const instance *i)
{
	const version_row *v = model_find_version(i->app, i->row.make->version);

	spec->version = sot_str_c(i->row.make->version);
	if (!v)
		return;
	spec->package_sha256 = (sot_str){(const char *)v->sha256, sizeof(v->sha256)};
	spec->package_size_bytes = v->size_bytes;
	spec->package_file_name = sot_str_c(v->file_name);
}

/* `env` is an array of the app's env_count, freed by the caller after the encoding. */
static struct sot_instance_spec spec_of(const controller *c, const instance *i,
    struct sot_env_var *env, struct sot_middleware_spec *packages)
{
	const app_row *a = &i->app->row;
	const plan_row *p = sot_map_get_c(c->plans, i->row.make->plan);
	struct sot_instance_spec spec = {
	    .instance_id = i->row.id,
	    .generation = i->row.generation,
	    .desired = instance_told_desired(i),
	    .restart_seq = i->row.restart_seq,
	    .name = sot_str_c(i->name),
	    .app = sot_str_c(a->name),
	    .image = sot_str_c(i->row.make->image),
	    .command = sot_str_c(a->command),
	    .env = env,
	    .env_count = a->env_count,
	    .cpu_milli = i->row.make->cpu_milli,
	    .memory_bytes = i->row.make->memory_bytes,
	    .disk_bytes = i->row.make->disk_bytes,
	    .address = i->row.v4.address,
	    .prefix = i->row.make->net->v4.prefix,
	    .gateway = i->row.make->net->v4.gateway,
	    .address_generation = i->row.v4.generation,
	    .address_v6 = instance_v6(i)->address,
	    .prefix_v6 = i->row.make->net->v6.prefix,
	    .gateway_v6 = i->row.make->net->v6.gateway,
	    .address_v6_generation = instance_v6(i)->generation,
	    .vlan_id = i->row.make->net->vlan_id,
	    .vrf = i->row.make->net->vrf,
	    .mtu = i->row.make->net->mtu,
	    .isolated = i->row.make->net->isolated,
	    .dns = (sot_ip *)(uintptr_t)i->row.make->net->dns, /* only read by the encoder */
	    .dns_count = i->row.make->net->dns_count,
	    .dns_search = sot_str_c(i->row.make->net->dns_search),
	    .bandwidth_kbit = i->row.make->bandwidth_kbit,
	    .cpu_pinned = p && p->cpu_pinned,
	    .pids_max = p ? p->pids_max : 0,
	    .io_weight = p ? p->io_weight : 0,
	    .rebuild_seq = i->row.rebuild_seq,
	    .mac = i->row.mac,
	    .health = health_of(&a->health),
	};

	for (size_t k = 0; k < a->env_count; k++) {
		env[k].name = sot_str_c(a->env[k].name);
		env[k].value = sot_str_c(a->env[k].value);
	}
	set_package(&spec, i);
	spec.middleware = packages;
	spec.middleware_count = middleware_specs(c, i->row.make->middleware, packages);
	return spec;
}

/* What it was made of is not needed to remove it. */
static struct sot_instance_spec spec_of_gone(
    sot_uuid id, uint64_t generation, const char *name, const char *of_app)
{
	return (struct sot_instance_spec){.instance_id = id,
	    .generation = generation,
	    .desired = SOT_DESIRED_STATE_RETIRED,
	    .name = sot_str_c(name),
	    .app = sot_str_c(of_app),
	    .image = SOT_STR("-"),
	    .cpu_milli = 10,
	    .memory_bytes = 4194304,
	    .health = {
	        .interval_ms = 1000, .timeout_ms = 1000, .healthy_after = 1, .unhealthy_after = 1}};
}

static struct sot_instance_spec spec_of_pick(const controller *c, const pick *p,
    struct sot_env_var *env, struct sot_middleware_spec *packages)
{
	if (!p->d)
		return spec_of(c, p->i, env, packages);
	if (!p->i || p->d->row.desired == SOT_DESIRED_STATE_RETIRED)
		return spec_of_gone(
		    p->d->row.instance_id, p->d->row.generation, p->d->row.name, p->d->row.app);
	struct sot_instance_spec spec = spec_of(c, p->i, env, packages);
	spec.desired = p->d->row.desired;
	spec.generation = p->d->row.generation;
	return spec;
}

static size_t env_count(const pick *p)
{
	return p->i ? p->i->app->row.env_count : 0;
}

static size_t part_length(const picked *p, size_t from)
{
	size_t n = 0, bytes = 0;

	while (from + n < p->count && n < PART_INSTANCES_MAX) {
		bytes += spec_size(&p->items[from + n]);
		if (n > 0 && bytes > PART_BYTES_MAX)
			break;
		n++;
	}
	return n;
}

static uint16_t count_parts(const picked *p)
{
	uint16_t parts = 0;
	size_t from = 0;

	do {
		from += part_length(p, from);
		parts++;
	} while (from < p->count);
	return parts;
}

/* ---- what no frame can say: a row that was changed by hand, or a size that no host takes ---- */

static bool can_be_told(
    const struct sot_assign *m, const struct sot_instance_spec *spec, sot_err *why)
{
	struct sot_assign alone = *m;
	struct sot_instance_spec one = *spec;
	SOT_AUTO_BUF frame;

	alone.instances = &one;
	alone.instances_count = 1;
	model_text_init(&frame);
	return sot_assign_encode(&alone, &frame, why) == SOT_OK;
}

/* Its steps fail with these words; the next change of it, or the next whole set, tries again. */
static void note_untold(controller *c, instance *i, const sot_err *why)
{
	char id[SOT_UUID_TEXT], text[OPERATION_TEXT_MAX];
	sot_buf data;

	if (!i || errand_read(i)->untold == i->row.generation)
		return;
	errand_of(i)->untold = i->row.generation;
	(void)snprintf(text, sizeof(text), "its host cannot be told of it: %.380s", why->text);
	instance_set_error(c, i, sot_str_c(text));
	start_over(c, i);
	touch_instance(c, i);
	model_text_init(&data);
	sot_buf_printf(&data, "{\"id\":\"%s\",\"error\":", sot_uuid_format(i->row.id, id));
	sot_buf_add_json(&data, sot_str_c(text));
	sot_buf_add_c(&data, "}");
	say_event(c, "instance.untold", i->name, i->app, i->host, app_operation(i->app), &data);
	wake_app(c, i->app);
}

/* An agent leaves alone what it is not told of: so one instance does not hold up the others. What
 * shall be removed is said with less. Returns how many specs are left. */
static size_t leave_out(controller *c, const struct sot_assign *m, const pick *items)
{
	struct sot_instance_spec *specs = m->instances;
	size_t left = 0;

	for (size_t k = 0; k < m->instances_count; k++) {
		instance *i = items[k].i;
		sot_err why = {0};
		if (can_be_told(m, &specs[k], &why)) {
			specs[left++] = specs[k];
			continue;
		}
		if (i && specs[k].desired == SOT_DESIRED_STATE_RETIRED)
			specs[left++] = spec_of_gone(i->row.id, specs[k].generation, i->name, i->app->row.name);
		else
			note_untold(c, i, &why);
	}
	return left;
}

static void write_part(controller *c, struct sot_assign *m, const pick *items, sot_buf *frame)
{
	size_t n = m->instances_count;
	sot_err err = {0};

	if (sot_assign_encode(m, frame, &err) == SOT_OK) {
		for (size_t k = 0; k < n; k++) {
			if (items[k].i && items[k].i->errand)
				items[k].i->errand->untold = 0;
		}
		return;
	}
	sot_buf_reset(frame);
	m->instances_count = leave_out(c, m, items);
	if (sot_assign_encode(m, frame, &err) == SOT_OK)
		return;
	sot_buf_reset(frame); /* all of it is more than a frame: part_length is wrong */
	for (size_t k = 0; k < n; k++)
		note_untold(c, items[k].i, &err);
}

static void send_part(controller *c, host *h, struct sot_assign *m, const pick *items, size_t n)
{
	struct sot_instance_spec *specs = sot_alloc_array(n + 1, sizeof(*specs));
	struct sot_env_var **envs = sot_alloc_array(n + 1, sizeof(*envs));
	struct sot_middleware_spec *packages =
	    sot_alloc_array(MIDDLEWARE_MAX * (n + 1), sizeof(*packages));
	controller_effect *e = say_effect(c, EFFECT_AGENT);

	for (size_t k = 0; k < n; k++) {
		envs[k] = sot_alloc_array(env_count(&items[k]) + 1, sizeof(*envs[k]));
		specs[k] = spec_of_pick(c, &items[k], envs[k], packages + MIDDLEWARE_MAX * k);
	}
	m->instances = specs;
	m->instances_count = n;
	e->host_id = h->row.id;
	write_part(c, m, items, &e->frame);
	for (size_t k = 0; k < n; k++)
		free(envs[k]);
	free(envs);
	free(packages);
	free(specs);
}

static void send_parts(controller *c, host *h, uint64_t from_generation, const picked *p)
{
	struct sot_assign m = {
	    .epoch = c->config.epoch,
	    .from_generation = from_generation,
	    .generation = h->row.generation,
	    .parts = count_parts(p),
	};
	size_t from = 0;

	for (; m.part < m.parts; m.part++) {
		size_t n = part_length(p, from);
		send_part(c, h, &m, p->items + from, n);
		from += n;
	}
}

static void pick_departures(const controller *c, const host *h, picked *p)
{
	for (const sot_link *l = h->departures.next; l != &h->departures; l = l->next) {
		const departure *d = SOT_CONTAINER(l, departure, of_host);
		*VECTOR_PUSH(p->items, p->count, p->cap) =
		    (pick){model_find_instance(c, d->row.instance_id), d};
	}
}

void assign_full(controller *c, host *h)
{
	picked p = {0};

	for (sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_host);
		if (instance_is_told(i))
			*VECTOR_PUSH(p.items, p.count, p.cap) = (pick){i, NULL};
	}
	pick_departures(c, h, &p);
	send_parts(c, h, 0, &p);
	free(p.items);
}

void assign_delta(controller *c, host *h, uint64_t from)
{
	picked p = {0};

	while (!sot_list_empty(&h->pushes)) {
		errand *e = SOT_CONTAINER(h->pushes.next, errand, push);
		sot_list_remove(&e->push);
		*VECTOR_PUSH(p.items, p.count, p.cap) = (pick){e->of, NULL};
	}
	if (h->departures_changed)
		pick_departures(c, h, &p);
	h->departures_changed = false;
	if (h->has_session && !greeting_is_due(h)) /* its whole set comes */
		send_parts(c, h, from, &p);
	free(p.items);
}

void assign_nothing(controller *c, host *h)
{
	picked p = {0};

	send_parts(c, h, h->row.generation, &p);
}
