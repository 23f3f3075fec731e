#include "bus_roster.h"

#include "sot_map.h"

#include <stdlib.h>
#include <string.h>

#define HOST_PREFIX "host:"

typedef struct entry {
	char public_key[BUS_KEY_TEXT];
	sot_uuid host;
	uint64_t round; /* that told it last */
} entry;

struct bus_roster {
	bus *bus;
	sot_map *entries; /* owns: public key to entry */
	uint64_t round;
};

bus_roster *bus_roster_new(bus *b)
{
	bus_roster *r = sot_alloc(sizeof(*r));
	r->bus = b;
	r->entries = sot_map_new();
	return r;
}

void bus_roster_begin(bus_roster *r)
{
	r->round++;
}

static void allow(bus_roster *r, entry *e, sot_uuid host)
{
	char identity[BUS_IDENTITY_MAX] = HOST_PREFIX;
	e->host = host;
	(void)sot_uuid_format(host, identity + strlen(HOST_PREFIX));
	bus_allow(r->bus, e->public_key, identity);
}

sot_code bus_roster_add_host(bus_roster *r, sot_str public_key, sot_uuid host, sot_err *err)
{
	if (public_key.n != BUS_KEY_TEXT - 1)
		return sot_fail(err, SOT_INVALID, "a public key has %d characters, not %zu",
		    BUS_KEY_TEXT - 1, public_key.n);
	entry *e = sot_map_get(r->entries, public_key.p, public_key.n);
	if (!e) {
		e = sot_alloc(sizeof(*e));
		memcpy(e->public_key, public_key.p, public_key.n);
		(void)sot_map_set(r->entries, public_key.p, public_key.n, e);
		allow(r, e, host);
	} else if (!sot_uuid_eq(e->host, host)) {
		allow(r, e, host);
	}
	e->round = r->round;
	return SOT_OK;
}

size_t bus_roster_end(bus_roster *r)
{
	size_t denied = 0;
	sot_map_iter it = {0};
	for (entry *e = sot_map_next(r->entries, &it, NULL); e;
	     e = sot_map_next(r->entries, &it, NULL)) {
		if (e->round == r->round)
			continue;
		bus_deny(r->bus, e->public_key);
		(void)sot_map_remove(r->entries, e->public_key, BUS_KEY_TEXT - 1);
		free(e);
		denied++;
	}
	return denied;
}

size_t bus_roster_count(const bus_roster *r)
{
	return sot_map_count(r->entries);
}

bus_roster *bus_roster_free(bus_roster *r)
{
	if (!r)
		return NULL;
	sot_map_iter it = {0};
	for (entry *e = sot_map_next(r->entries, &it, NULL); e; e = sot_map_next(r->entries, &it, NULL))
		free(e);
	sot_map_free(r->entries);
	free(r);
	return NULL;
}

bool bus_host_of(const char *identity, sot_uuid *ret)
{
	return strncmp(identity, HOST_PREFIX, strlen(HOST_PREFIX)) == 0 &&
	       sot_uuid_parse(sot_str_c(identity + strlen(HOST_PREFIX)), ret, NULL) == SOT_OK;
}
