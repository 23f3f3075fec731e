/* Which instances are used, from the figures that their agents report: what the report of idle ones
 * and elastic scaling go by. A row is written when an idle one wakes, else a few times a day, and
 * never many at once: who finds no room is written after its next report. */
#include "elastic.h"
#include "parts.h"

#define WRITE_MS (6 * 3600 * 1000)
#define WRITES_PER_S 100

static bool is_used(const controller *c, const struct sot_instance_report *r)
{
	uint64_t most_milli = (uint64_t)r->cpu_limit_milli * c->config.idle_cpu_permille / 1000;

	return r->cpu_used_milli > most_milli ||
	       r->rx_bytes_per_s + r->tx_bytes_per_s > c->config.idle_net_bytes_per_s;
}

static bool is_due(const controller *c, const instance *i)
{
	return i->use_written_unix_ms == 0 ||
	       c->now.wall.unix_ms - i->use_written_unix_ms >= WRITE_MS || (i->is_used && !i->was_used);
}

static bool has_room(controller *c)
{
	if (sot_mono_diff_ms(c->now.mono, c->uses.since) >= 1000) {
		c->uses.since = c->now.mono;
		c->uses.count = 0;
	}
	return c->uses.count < WRITES_PER_S;
}

static void note_use(controller *c, instance *i, bool is_used_now)
{
	controller_batch *b = c->next;

	i->is_used |= is_used_now;
	if (!is_due(c, i) || !has_room(c))
		return;
	use_row *row = VECTOR_PUSH(b->uses, b->use_count, b->use_cap);
	*row = (use_row){i->row.id, i->is_used, c->now.wall.unix_ms};
	i->use_written_unix_ms = c->now.wall.unix_ms;
	i->was_used = i->is_used;
	i->is_used = false;
	c->uses.count++;
}

static void take_reports(controller *c, const host *h, const sot_instance_reports *m)
{
	for (size_t k = 0; k < m->instances_count; k++) {
		instance *i = model_find_instance(c, m->instances[k].instance_id);
		if (!i || i->host != h || !m->instances[k].running)
			continue;
		note_use(c, i, is_used(c, &m->instances[k]));
		elastic_hear(c, i, &m->instances[k], m->interval_ms);
	}
}

sot_code controller_instance_reports(
    controller *c, controller_now now, sot_uuid host_id, sot_str frame, sot_err *err)
{
	const host *h = model_host(c, host_id);
	sot_instance_reports m = {0};

	c->now = now;
	if (!h || h->row.revoked || h->row.state == HOST_RETIRED)
		return sot_fail(err, SOT_NOT_FOUND, "no such host, or it was retired");
	sot_code code = sot_instance_reports_decode(frame, c->arena, &m, err);
	if (code == SOT_OK)
		take_reports(c, h, &m);
	sot_arena_reset(c->arena);
	return code;
}
