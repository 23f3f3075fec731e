#include "strangers.h"

#include <stdlib.h>
#include <string.h>

typedef struct own_address {
	sot_mac mac;
	uint16_t vrf;
} own_address;

/* Without padding: hashed as bytes. */
typedef struct own_key {
	uint8_t vlan[2];
	sot_ip address;
} own_key;

typedef struct entry {
	sot_stranger seen;
	sot_mono at;
} entry;

struct strangers {
	sot_map *own; /* own_key -> own_address */
	entry entries[STRANGERS_MAX];
	size_t count;
	uint64_t dropped;
};

static own_key key_of(uint16_t vlan_id, sot_ip address)
{
	return (own_key){{(uint8_t)(vlan_id >> 8), (uint8_t)vlan_id}, address};
}

static own_address *own_of(const strangers *s, uint16_t vlan_id, sot_ip address)
{
	own_key key = key_of(vlan_id, address);
	return sot_map_get(s->own, &key, sizeof(key));
}

static void clear_own(strangers *s)
{
	sot_map_iter it = {0};
	for (own_address *o; (o = sot_map_next(s->own, &it, NULL)) != NULL;)
		free(o);
	s->own = sot_map_free(s->own);
}

strangers *strangers_new(void)
{
	strangers *s = sot_alloc(sizeof(*s));
	s->own = sot_map_new();
	return s;
}

strangers *strangers_free(strangers *s)
{
	if (s) {
		clear_own(s);
		free(s);
	}
	return NULL;
}

static void add_own(strangers *s, const sot_instance_spec *spec, sot_ip address)
{
	own_key key = key_of(spec->vlan_id, address);
	if (sot_ip_is_none(address))
		return;
	own_address *o = sot_alloc(sizeof(*o));
	*o = (own_address){spec->mac, spec->vrf};
	free(sot_map_set(s->own, &key, sizeof(key), o));
}

static void forget(strangers *s, size_t at)
{
	s->entries[at] = s->entries[--s->count];
}

void strangers_set_own(strangers *s, const desired *d)
{
	sot_map_iter it = {0};
	clear_own(s);
	s->own = sot_map_new();
	for (const desired_instance *i; (i = desired_next(d, &it)) != NULL;) {
		if (i->spec.desired == SOT_DESIRED_STATE_RETIRED)
			continue;
		add_own(s, &i->spec, i->spec.address);
		add_own(s, &i->spec, i->spec.address_v6);
	}
}

static bool same_mac(sot_mac a, sot_mac b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

bool strangers_hear(strangers *s, const sot_stranger *seen, sot_mono now)
{
	const own_address *own = own_of(s, seen->vlan_id, seen->address);
	size_t of_address = 0;
	if (!own || same_mac(own->mac, seen->mac))
		return false;
	for (size_t i = 0; i < s->count; i++) {
		entry *e = &s->entries[i];
		if (e->seen.vlan_id != seen->vlan_id || !sot_ip_eq(e->seen.address, seen->address))
			continue;
		if (same_mac(e->seen.mac, seen->mac)) {
			e->seen.seen_unix_ms = seen->seen_unix_ms;
			e->at = now;
			return false;
		}
		of_address++;
	}
	if (s->count == STRANGERS_MAX || of_address == STRANGERS_PER_ADDRESS) {
		s->dropped++;
		return false;
	}
	s->entries[s->count] = (entry){*seen, now};
	s->entries[s->count++].seen.vrf = own->vrf;
	return true;
}

size_t strangers_expire(strangers *s, sot_mono now)
{
	size_t before = s->count;
	for (size_t i = s->count; i-- > 0;)
		if (sot_mono_diff_ms(now, s->entries[i].at) > STRANGER_KEPT_MS)
			forget(s, i);
	return before - s->count;
}

size_t strangers_count(const strangers *s)
{
	return s->count;
}

size_t strangers_list(const strangers *s, sot_stranger *list, size_t max)
{
	size_t n = s->count < max ? s->count : max;
	for (size_t i = 0; i < n; i++)
		list[i] = s->entries[i].seen;
	return n;
}

uint64_t strangers_dropped(const strangers *s)
{
	return s->dropped;
}
