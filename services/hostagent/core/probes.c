#include "probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probes {
	sot_map *table; /* probe_key -> probe */
};

/* Without padding: hashed as bytes. */
typedef struct probe_key {
	uint8_t vlan[2];
	sot_ip address;
} probe_key;

static probe_key key_of(uint16_t vlan_id, sot_ip address)
{
	return (probe_key){{(uint8_t)(vlan_id >> 8), (uint8_t)vlan_id}, address};
}

static probe *find(const probes *p, uint16_t vlan_id, sot_ip address)
{
	probe_key key = key_of(vlan_id, address);
	return sot_map_get(p->table, &key, sizeof(key));
}

probes *probes_new(void)
{
	probes *p = sot_alloc(sizeof(*p));
	p->table = sot_map_new();
	return p;
}

probes *probes_free(probes *p)
{
	sot_map_iter it = {0};
	if (!p)
		return NULL;
	for (probe *x; (x = sot_map_next(p->table, &it, NULL)) != NULL;)
		free(x);
	p->table = sot_map_free(p->table);
	free(p);
	return NULL;
}

static bool is_fresh(const probe *x, sot_mono now)
{
	return x->state == PROBE_RUNNING || sot_mono_diff_ms(now, x->ended_at) < PROBE_FRESH_MS;
}

static void end(probe *x, probe_state state, sot_mono now)
{
	x->state = state;
	x->ended_at = now;
}

static void forget_old(probes *p, sot_mono now)
{
	sot_map_iter it = {0};
	sot_str key;
	for (probe *x; (x = sot_map_next(p->table, &it, &key)) != NULL;)
		if (!is_fresh(x, now))
			free(sot_map_remove(p->table, key.p, key.n));
}

const probe *probes_ask(probes *p, uint16_t vlan_id, sot_ip address, sot_mono now)
{
	probe_key key = key_of(vlan_id, address);
	probe *x = find(p, vlan_id, address);
	if (x && is_fresh(x, now))
		return x;
	if (!x && sot_map_count(p->table) >= PROBES_MAX)
		forget_old(p, now);
	if (!x && sot_map_count(p->table) >= PROBES_MAX)
		return NULL;
	if (!x) {
		x = sot_alloc(sizeof(*x));
		(void)sot_map_set(p->table, &key, sizeof(key), x);
	}
	*x = (probe){.vlan_id = vlan_id, .address = address, .state = PROBE_RUNNING, .due = now};
	return x;
}

const probe *probes_next_due(probes *p, sot_mono now)
{
	sot_map_iter it = {0};
	for (probe *x; (x = sot_map_next(p->table, &it, NULL)) != NULL;) {
		if (x->state != PROBE_RUNNING || x->sent == PROBE_COUNT || !sot_mono_reached(now, x->due))
			continue;
		x->sent++;
		x->due = sot_mono_add_ms(now, PROBE_INTERVAL_MS);
		return x;
	}
	return NULL;
}

void probes_failed(probes *p, uint16_t vlan_id, sot_ip address, const char *why, sot_mono now)
{
	probe *x = find(p, vlan_id, address);
	if (!x || x->state != PROBE_RUNNING)
		return;
	end(x, PROBE_FAILED, now);
	(void)snprintf(x->error, sizeof(x->error), "%s", why);
}

bool probes_hear(probes *p, uint16_t vlan_id, sot_ip address, sot_mac mac, sot_mono now)
{
	probe *x = find(p, vlan_id, address);
	if (!x || x->state != PROBE_RUNNING)
		return false;
	end(x, PROBE_ANSWERED, now);
	x->answer = mac;
	return true;
}

bool probes_advance(probes *p, sot_mono now)
{
	sot_map_iter it = {0};
	bool ended = false;
	for (probe *x; (x = sot_map_next(p->table, &it, NULL)) != NULL;) {
		if (x->state != PROBE_RUNNING || x->sent < PROBE_COUNT || !sot_mono_reached(now, x->due))
			continue;
		end(x, PROBE_SILENT, now);
		ended = true;
	}
	forget_old(p, now);
	return ended;
}

int64_t probes_next_due_ms(const probes *p, sot_mono now)
{
	sot_map_iter it = {0};
	int64_t least = INT64_MAX;
	for (const probe *x; (x = sot_map_next(p->table, &it, NULL)) != NULL;) {
		int64_t wait = sot_mono_diff_ms(x->due, now);
		if (x->state == PROBE_RUNNING && wait < least)
			least = wait > 0 ? wait : 0;
	}
	return least;
}
