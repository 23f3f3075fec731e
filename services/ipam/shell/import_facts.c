/* import_facts - rows of what is there into the facts that a plan is made of. */
#include "imports.h"
#include "sot_parse.h"

#include <string.h>

static sot_str text(import_job *job, const store_result *res, size_t row, int column)
{
	sot_str s = store_text(res, row, column);
	sot_str copy = sot_arena_dup(job->facts_arena, s);
	if (s.n > 0 && copy.n == 0 && job->read_error.code == SOT_OK)
		(void)sot_fail(&job->read_error, SOT_LIMIT, "too much is there to compare the file with");
	return copy;
}

/* Room for the rows of a result; NULL after an error. */
static void *room(import_job *job, const store_result *res, size_t size)
{
	size_t rows = store_rows(res);
	void *items = sot_arena_alloc(job->facts_arena, rows * size + 1);
	if (!items && job->read_error.code == SOT_OK)
		(void)sot_fail(&job->read_error, SOT_LIMIT, "too much is there to compare the file with");
	return job->read_error.code == SOT_OK ? items : NULL;
}

static bool u16(import_job *job, const store_result *res, size_t row, int column, uint16_t *ret)
{
	int64_t value = 0;
	if (store_i64(res, row, column, &value, &job->read_error) != SOT_OK)
		return false;
	*ret = (uint16_t)value;
	return true;
}

static void on_version(void *self, const store_result *res)
{
	import_job *job = self;
	if (store_i64(res, 0, 0, &job->version, &job->read_error) != SOT_OK)
		job->version = 0;
}

static void on_vlans(void *self, const store_result *res)
{
	import_job *job = self;
	vlan_fact *facts = room(job, res, sizeof(*facts));
	for (size_t i = 0; facts && i < store_rows(res); i++) {
		vlan_fact *fact = &facts[i];
		if (store_uuid(res, i, 0, &fact->id, &job->read_error) != SOT_OK ||
		    !u16(job, res, i, 2, &fact->plan.vlan_id) || !u16(job, res, i, 5, &fact->plan.mtu) ||
		    store_bool(res, i, 6, &fact->plan.isolated, &job->read_error) != SOT_OK)
			return;
		fact->plan.name = text(job, res, i, 1);
		fact->plan.vrf = text(job, res, i, 3);
		fact->plan.group = text(job, res, i, 4);
		fact->plan.dns_zone = text(job, res, i, 7);
		fact->plan.description = text(job, res, i, 8);
		fact->plan.scopes = text(job, res, i, 9);
		job->facts.vlan_count++;
	}
	job->facts.vlans = facts;
}

static bool read_subnet(import_job *job, const store_result *res, size_t i, subnet_fact *fact)
{
	sot_err *err = &job->read_error;
	subnet_plan *plan = &fact->plan;
	return store_uuid(res, i, 0, &fact->id, err) == SOT_OK &&
	       sot_ip_parse_cidr(store_text(res, i, 2), &plan->network, &plan->prefix, err) == SOT_OK &&
	       store_ip(res, i, 3, &plan->gateway, err) == SOT_OK &&
	       store_ip(res, i, 4, &plan->first, err) == SOT_OK &&
	       store_ip(res, i, 5, &plan->last, err) == SOT_OK && u16(job, res, i, 6, &fact->rank) &&
	       u16(job, res, i, 7, &fact->weight) &&
	       store_bool(res, i, 8, &fact->open, err) == SOT_OK &&
	       store_bool(res, i, 9, &plan->redundant_gateway, err) == SOT_OK;
}

static void on_subnets(void *self, const store_result *res)
{
	import_job *job = self;
	subnet_fact *facts = room(job, res, sizeof(*facts));
	for (size_t i = 0; facts && i < store_rows(res); i++) {
		if (!read_subnet(job, res, i, &facts[i]))
			return;
		facts[i].vlan = text(job, res, i, 1);
		facts[i].dns = text(job, res, i, 10);
		facts[i].description = text(job, res, i, 11);
		job->facts.subnet_count++;
	}
	job->facts.subnets = facts;
}

static void on_ranges(void *self, const store_result *res)
{
	import_job *job = self;
	range_fact *facts = room(job, res, sizeof(*facts));
	for (size_t i = 0; facts && i < store_rows(res); i++) {
		sot_str use = store_text(res, i, 4);
		if (store_uuid(res, i, 0, &facts[i].id, &job->read_error) != SOT_OK ||
		    store_ip(res, i, 2, &facts[i].first, &job->read_error) != SOT_OK ||
		    store_ip(res, i, 3, &facts[i].last, &job->read_error) != SOT_OK)
			return;
		facts[i].vrf = text(job, res, i, 1);
		facts[i].use = sot_str_eq_c(use, "pool")       ? RANGE_POOL
		               : sot_str_eq_c(use, "reserved") ? RANGE_RESERVED
		                                               : RANGE_EXCLUDED;
		facts[i].owner = text(job, res, i, 5);
		facts[i].reason = text(job, res, i, 6);
		facts[i].pool = text(job, res, i, 7);
		job->facts.range_count++;
	}
	job->facts.ranges = facts;
}

static void on_addresses(void *self, const store_result *res)
{
	import_job *job = self;
	address_fact *facts = room(job, res, sizeof(*facts));
	for (size_t i = 0; facts && i < store_rows(res); i++) {
		sot_str mac = store_text(res, i, 5);
		if (store_ip(res, i, 1, &facts[i].address, &job->read_error) != SOT_OK ||
		    store_i64(res, i, 7, &facts[i].free_in_ms, &job->read_error) != SOT_OK ||
		    (mac.n > 0 && sot_parse_mac(mac, facts[i].mac, &job->read_error) != SOT_OK))
			return;
		facts[i].vrf = text(job, res, i, 0);
		facts[i].state = text(job, res, i, 2);
		facts[i].owner = text(job, res, i, 3);
		facts[i].reason = text(job, res, i, 4);
		facts[i].holder = text(job, res, i, 6);
		job->facts.address_count++;
	}
	job->facts.addresses = facts;
}

void import_facts_ask(import_job *job, store_tx *tx)
{
	store_query(tx, IPAM_SQL_CHANGE_VERSION, on_version, job);
	store_query(tx, IPAM_SQL_IMPORT_VLANS, on_vlans, job);
	store_query(tx, IPAM_SQL_IMPORT_SUBNETS, on_subnets, job);
	store_query(tx, IPAM_SQL_IMPORT_RANGES, on_ranges, job);
	store_query(tx, IPAM_SQL_IMPORT_ADDRESSES, on_addresses, job);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < job->rows->address_count; i++)
		store_item_ip(tx, job->rows->addresses[i].address);
	store_arg_array_end(tx);
}
