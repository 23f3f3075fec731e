#include "torture_ledger.h"

#include "sot_map.h"
#include "sot_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct entry {
	sot_ip address;
	uint32_t owner;
	uint64_t generation;
	bool is_held, was_seen;
	sot_mono released_at;
} entry;

struct ledger {
	sot_map *entries;
	int64_t floor_ms;
	size_t held, granted;
};

ledger *ledger_new(int64_t floor_ms)
{
	ledger *l = sot_alloc(sizeof(*l));
	l->entries = sot_map_new();
	l->floor_ms = floor_ms;
	return l;
}

ledger *ledger_free(ledger *l)
{
	if (!l)
		return NULL;
	sot_map_iter it = {0};
	for (void *e = sot_map_next(l->entries, &it, NULL); e; e = sot_map_next(l->entries, &it, NULL))
		free(e);
	sot_map_free(l->entries);
	free(l);
	return NULL;
}

static void refute(const entry *e, uint32_t owner, const ipam_grant *grant, sot_mono now)
{
	char text[SOT_IP_TEXT];
	fail_msg("%s was granted to owner %u (generation %llu) while owner %u %s it (generation %llu, "
	         "%lld ms ago)",
	    sot_ip_format(grant->address, text), owner, (unsigned long long)grant->generation, e->owner,
	    e->is_held ? "holds" : "has just given back", (unsigned long long)e->generation,
	    (long long)sot_mono_diff_ms(now, e->released_at));
}

void ledger_granted(ledger *l, uint32_t owner, const ipam_grant *grant, sot_mono now)
{
	entry *e = sot_map_get(l->entries, &grant->address, sizeof(grant->address));
	if (!e) {
		e = sot_alloc(sizeof(*e));
		e->address = grant->address;
		sot_map_set(l->entries, &grant->address, sizeof(grant->address), e);
	} else if (e->owner == owner && e->generation == grant->generation) {
		/* The same holding, told again: also after a release that never arrived. */
		l->held += !e->is_held;
		e->is_held = true;
		return;
	} else if (e->is_held || sot_mono_diff_ms(now, e->released_at) < l->floor_ms ||
	           grant->generation <= e->generation) {
		refute(e, owner, grant, now);
	}
	e->owner = owner;
	e->generation = grant->generation;
	e->is_held = true;
	l->held++;
	l->granted++;
}

void ledger_releasing(ledger *l, const ipam_grant *grant, sot_mono now)
{
	entry *e = sot_map_get(l->entries, &grant->address, sizeof(grant->address));
	assert_true(e && e->is_held);
	e->is_held = false;
	e->released_at = now;
	l->held--;
}

size_t ledger_held(const ledger *l)
{
	return l->held;
}

size_t ledger_granted_count(const ledger *l)
{
	return l->granted;
}

size_t ledger_addresses(const ledger *l)
{
	return sot_map_count(l->entries);
}

/* The number that ipam_owner put into it. */
static uint32_t number_of(sot_uuid owner)
{
	uint32_t number;
	memcpy(&number, owner.b + 12, sizeof(number));
	return number;
}

static bool is_known(ledger *l, PGresult *rows, int row)
{
	sot_ip address;
	sot_uuid owner;
	uint64_t generation;
	assert_int_equal(sot_ip_parse(sot_str_c(PQgetvalue(rows, row, 0)), &address, NULL), SOT_OK);
	assert_int_equal(sot_uuid_parse(sot_str_c(PQgetvalue(rows, row, 1)), &owner, NULL), SOT_OK);
	assert_int_equal(
	    sot_parse_u64(sot_str_c(PQgetvalue(rows, row, 2)), 0, UINT64_MAX, &generation, NULL),
	    SOT_OK);
	entry *e = sot_map_get(l->entries, &address, sizeof(address));
	if (!e || !e->is_held || e->owner != number_of(owner) || e->generation != generation)
		return false;
	e->was_seen = true;
	return true;
}

size_t ledger_compare(ledger *l, PGconn *pg, size_t *ret_missing)
{
	PGresult *rows = PQexec(pg, "SELECT host(address), owner, generation FROM ipam.address"
	                            " WHERE state IN ('reserved', 'bound', 'suspect')");
	assert_int_equal(PQresultStatus(rows), PGRES_TUPLES_OK);
	size_t leaked = 0;
	for (int row = 0; row < PQntuples(rows); row++)
		leaked += !is_known(l, rows, row);
	PQclear(rows);
	*ret_missing = 0;
	sot_map_iter it = {0};
	for (entry *e = sot_map_next(l->entries, &it, NULL); e; e = sot_map_next(l->entries, &it, NULL))
		*ret_missing += e->is_held && !e->was_seen;
	return leaked;
}
