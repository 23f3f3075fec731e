#include "assign.h"

#include "parts.h"
#include <stdlib.h>
#include <string.h>

#define PART_INSTANCES_MAX 200
/* A frame may have 1 MiB; the estimate of a spec below is generous. */
#define PART_BYTES_MAX 700000

typedef struct picked {
	instance **items;
	size_t count, cap;
} picked;

static size_t spec_size(const instance *i)
{
	const app_row *a = &i->app->row;
	size_t size = 1500 + strlen(a->command) + strlen(i->row.image);

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
	};
}

static void set_package(struct sot_instance_spec *spec, const instance *i)
{
	const version_row *v = model_find_version(i->app, i->row.version);

	spec->version = sot_str_c(i->row.version);
	if (!v)
		return;
	spec->package_sha256 = (sot_str){(const char *)v->sha256, sizeof(v->sha256)};
	spec->package_size_bytes = v->size_bytes;
	spec->package_file_name = sot_str_c(v->file_name);
}

/* `env` is an array of the app's env_count, freed by the caller after the encoding. */
static struct sot_instance_spec spec_of(const instance *i, struct sot_env_var *env)
{
	const app_row *a = &i->app->row;
	struct sot_instance_spec spec = {
	    .instance_id = i->row.id,
	    .generation = i->row.generation,
	    .desired = i->row.desired,
	    .restart_seq = i->row.restart_seq,
	    .name = sot_str_c(i->row.name),
	    .app = sot_str_c(a->name),
	    .image = sot_str_c(i->row.image),
	    .command = sot_str_c(a->command),
	    .env = env,
	    .env_count = a->env_count,
	    .cpu_milli = i->row.cpu_milli,
	    .memory_bytes = i->row.memory_bytes,
	    .disk_bytes = i->row.disk_bytes,
	    .address = i->row.v4.address,
	    .prefix = i->row.v4.prefix,
	    .gateway = i->row.v4.gateway,
	    .address_generation = i->row.v4.generation,
	    .address_v6 = i->row.v6.address,
	    .prefix_v6 = i->row.v6.prefix,
	    .gateway_v6 = i->row.v6.gateway,
	    .address_v6_generation = i->row.v6.generation,
	    .vlan_id = i->row.net.vlan_id,
	    .vrf = i->row.net.vrf,
	    .mtu = i->row.net.mtu,
	    .isolated = i->row.net.isolated,
	    .dns = (sot_ip *)i->row.net.dns, /* only read by the encoder */
	    .dns_count = i->row.net.dns_count,
	    .dns_search = sot_str_c(i->row.net.dns_search),
	    .bandwidth_kbit = i->row.bandwidth_kbit,
	    .mac = i->row.mac,
	    .health = health_of(&a->health),
	};

	for (size_t k = 0; k < a->env_count; k++) {
		env[k].name = sot_str_c(a->env[k].name);
		env[k].value = sot_str_c(a->env[k].value);
	}
	set_package(&spec, i);
	return spec;
}

static size_t part_length(const picked *p, size_t from)
{
	size_t n = 0, bytes = 0;

	while (from + n < p->count && n < PART_INSTANCES_MAX) {
		bytes += spec_size(p->items[from + n]);
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

static void send_part(controller *c, host *h, struct sot_assign *m, instance **items, size_t n)
{
	struct sot_instance_spec *specs = sot_alloc_array(n + 1, sizeof(*specs));
	struct sot_env_var **envs = sot_alloc_array(n + 1, sizeof(*envs));
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	sot_err err = {0};

	for (size_t k = 0; k < n; k++) {
		envs[k] = sot_alloc_array(items[k]->app->row.env_count + 1, sizeof(*envs[k]));
		specs[k] = spec_of(items[k], envs[k]);
	}
	m->instances = specs;
	m->instances_count = n;
	e->host_id = h->row.id;
	if (sot_assign_encode(m, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
	for (size_t k = 0; k < n; k++)
		free(envs[k]);
	free(envs);
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

void assign_full(controller *c, host *h)
{
	picked p = {0};

	for (sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_host);
		if (instance_is_told(i))
			*VECTOR_PUSH(p.items, p.count, p.cap) = i;
	}
	send_parts(c, h, 0, &p);
	free(p.items);
}

void assign_delta(controller *c, host *h, uint64_t from)
{
	picked p = {0};

	while (!sot_list_empty(&h->pushes)) {
		instance *i = SOT_CONTAINER(h->pushes.next, instance, push);
		sot_list_remove(&i->push);
		*VECTOR_PUSH(p.items, p.count, p.cap) = i;
	}
	if (h->has_session)
		send_parts(c, h, from, &p);
	free(p.items);
}

void assign_nothing(controller *c, host *h)
{
	picked p = {0};

	send_parts(c, h, h->row.generation, &p);
}
