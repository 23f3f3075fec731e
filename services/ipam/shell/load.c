/* load - reads the plan (VLANs, subnets, ranges) into the allocator, then the rows of those subnets
 * that memory does not know. */
#include "ipam.h"
#include "sot_log.h"

#include <stdio.h>

enum { LOAD_RETRY_MS = 200 };

int64_t ipam_database_now(const ipam *ip)
{
	return reactor_wall(ip->loop).unix_ms + ip->database_ahead_ms;
}

void ipam_saw_database_clock(ipam *ip, int64_t unix_ms)
{
	ip->database_ahead_ms = unix_ms - reactor_wall(ip->loop).unix_ms;
}

void ipam_plan_changed(ipam *ip)
{
	allocator_plan_changed(ip->allocator);
	ipam_pump_soon(ip);
}

void ipam_reload(ipam *ip)
{
	allocator_distrust(ip->allocator);
	ipam_pump_soon(ip);
}

static void failed(ipam *ip, const sot_err *why)
{
	ip->is_loading = false;
	sot_log_err(SOT_WARN, "addresses.unread", why, "retry_ms=%d", LOAD_RETRY_MS);
	reactor_rearm_ms(ip->retry_timer, LOAD_RETRY_MS);
}

/* Calls `read` for each row, until one cannot be read. */
typedef sot_code (*row_fn)(ipam *ip, const store_result *res, size_t row, sot_err *err);
static void each_row(ipam *ip, const store_result *res, row_fn read)
{
	for (size_t row = 0; row < store_rows(res) && ip->load_error.code == SOT_OK; row++)
		(void)read(ip, res, row, &ip->load_error);
}

static void read_text(const store_result *res, size_t row, int column, char *dst, size_t dst_size)
{
	(void)snprintf(dst, dst_size, "%.*s", SOT_ARG(store_text(res, row, column)));
}

static sot_code read_u16(
    const store_result *res, size_t row, int column, uint16_t *ret, sot_err *err)
{
	int64_t value = 0;
	sot_code code = store_i64(res, row, column, &value, err);
	if (code == SOT_OK && (value < 0 || value > UINT16_MAX))
		code = sot_fail(err, SOT_INTERNAL, "column %d is %lld", column, (long long)value);
	if (code == SOT_OK)
		*ret = (uint16_t)value;
	return code;
}

/* ---- the plan ---- */

static sot_code read_stamp(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	int64_t unix_ms = 0;
	sot_code code = store_i64(res, row, 1, &unix_ms, err);
	if (code != SOT_OK)
		return code;
	ipam_saw_database_clock(ip, unix_ms);
	plan_set_stamp(allocator_load_plan(ip->allocator), store_text(res, row, 0));
	return SOT_OK;
}

static sot_code read_vlan(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	plan_vlan v = {0};
	sot_code code = store_uuid(res, row, 0, &v.id, err);
	if (code == SOT_OK)
		code = read_u16(res, row, 2, &v.vlan_id, err);
	if (code == SOT_OK)
		code = read_u16(res, row, 3, &v.vrf, err);
	if (code == SOT_OK)
		code = read_u16(res, row, 5, &v.mtu, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 6, &v.isolated, err);
	read_text(res, row, 1, v.name, sizeof(v.name));
	read_text(res, row, 4, v.group, sizeof(v.group));
	read_text(res, row, 7, v.dns_zone, sizeof(v.dns_zone));
	if (code == SOT_OK)
		plan_add_vlan(allocator_load_plan(ip->allocator), &v);
	return code;
}

static sot_code read_scope(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	static const char *const kinds[SOT_SCOPE_KIND_COUNT] = {"az", "rack", "host"};
	sot_uuid vlan_id;
	plan_scope scope = {.kind = SOT_SCOPE_KIND_COUNT};
	sot_code code = store_uuid(res, row, 0, &vlan_id, err);
	for (uint8_t i = 0; i < SOT_SCOPE_KIND_COUNT; i++) {
		if (sot_str_eq_c(store_text(res, row, 1), kinds[i]))
			scope.kind = i;
	}
	read_text(res, row, 2, scope.name, sizeof(scope.name));
	if (code == SOT_OK && scope.kind == SOT_SCOPE_KIND_COUNT)
		code = sot_fail(err, SOT_INTERNAL, "an unknown kind of scope");
	if (code == SOT_OK)
		code = plan_add_scope(allocator_load_plan(ip->allocator), vlan_id, &scope, err);
	return code;
}

static sot_code read_addresses_of(
    const store_result *res, size_t row, subnet *s, uint8_t prefix, sot_err *err)
{
	s->plan.prefix = prefix;
	sot_code code = store_ip(res, row, 2, &s->plan.network, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 4, &s->plan.gateway, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 5, &s->plan.first, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 6, &s->plan.last, err);
	sot_str rest = store_text(res, row, 11);
	while (code == SOT_OK && rest.n > 0 && s->dns_count < PLAN_DNS_MAX)
		code = sot_ip_parse(sot_str_cut(rest, ' ', &rest), &s->dns[s->dns_count++], err);
	return code;
}

static sot_code read_subnet(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	subnet s = {0};
	sot_uuid vlan_id;
	uint16_t prefix = 0;
	sot_code code = store_uuid(res, row, 0, &s.id, err);
	if (code == SOT_OK)
		code = store_uuid(res, row, 1, &vlan_id, err);
	if (code == SOT_OK)
		code = read_u16(res, row, 3, &prefix, err);
	if (code == SOT_OK)
		code = read_u16(res, row, 7, &s.rank, err);
	if (code == SOT_OK)
		code = read_u16(res, row, 8, &s.weight, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 9, &s.is_open, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 10, &s.plan.redundant_gateway, err);
	if (code == SOT_OK)
		code = read_addresses_of(res, row, &s, (uint8_t)prefix, err);
	if (code == SOT_OK)
		code = plan_add_subnet(allocator_load_plan(ip->allocator), vlan_id, &s, err);
	return code;
}

static sot_code read_range(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	sot_uuid subnet_id;
	sot_ip first, last;
	sot_str kind = store_text(res, row, 3);
	sot_code code = store_uuid(res, row, 0, &subnet_id, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 1, &first, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 2, &last, err);
	range_use use = sot_str_eq_c(kind, "pool") ? RANGE_POOL : RANGE_EXCLUDED;
	if (sot_str_eq_c(kind, "reserved"))
		use = RANGE_RESERVED;
	if (code == SOT_OK)
		code = plan_add_range(allocator_load_plan(ip->allocator), subnet_id, first, last, use,
		    store_text(res, row, 4), err);
	return code;
}

static void on_stamp(void *self, const store_result *res)
{
	each_row(self, res, read_stamp);
}
static void on_vlans(void *self, const store_result *res)
{
	each_row(self, res, read_vlan);
}
static void on_scopes(void *self, const store_result *res)
{
	each_row(self, res, read_scope);
}
static void on_subnets(void *self, const store_result *res)
{
	each_row(self, res, read_subnet);
}
static void on_ranges(void *self, const store_result *res)
{
	each_row(self, res, read_range);
}

/* ---- the rows ---- */

static sot_code read_held(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	sot_uuid subnet_id;
	int64_t first = 0, bits = 0;
	sot_str state = store_text(res, row, 1);
	sot_code code = store_uuid(res, row, 0, &subnet_id, err);
	if (code == SOT_OK && store_is_null(res, row, 2))
		return allocator_load_held(ip->allocator, subnet_id, state, store_text(res, row, 4), err);
	if (code == SOT_OK)
		code = store_i64(res, row, 2, &first, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &bits, err);
	if (code == SOT_OK)
		code = allocator_load_word(
		    ip->allocator, subnet_id, state, (uint32_t)first, (uint64_t)bits, err);
	return code;
}

static sot_code read_cooling(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	sot_uuid subnet_id;
	sot_ip address;
	int64_t released = 0, free_after = 0;
	sot_code code = store_uuid(res, row, 0, &subnet_id, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 1, &address, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 2, &released, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &free_after, err);
	if (code == SOT_OK)
		code = allocator_load_cooling(ip->allocator, subnet_id, address, released, free_after, err);
	return code;
}

static void on_held(void *self, const store_result *res)
{
	each_row(self, res, read_held);
}
static void on_cooling(void *self, const store_result *res)
{
	each_row(self, res, read_cooling);
}

static void finish(ipam *ip, size_t subnets)
{
	int64_t took_ms = sot_mono_diff_ms(reactor_now(ip->loop), ip->load_began);
	ip->is_loading = false;
	allocator_load_end(ip->allocator, ipam_database_now(ip));
	sot_metric_add(ip->m_loads, 1);
	sot_metric_set(ip->m_load_ms, took_ms);
	sot_log(SOT_DEBUG, "addresses.read", "subnets=%zu took_ms=%lld", subnets, (long long)took_ms);
	ipam_pump_soon(ip);
}

static void on_rows(void *self, const store_outcome *outcome)
{
	ipam *ip = self;
	const sot_err *why = outcome->code != SOT_OK ? outcome->why : &ip->load_error;
	size_t count = 0;
	(void)allocator_load_rows_wanted(ip->allocator, &count);
	if (why->code != SOT_OK)
		failed(ip, why);
	else
		finish(ip, count);
}

static void add_ids(store_tx *tx, const sot_uuid *ids, size_t count)
{
	store_arg_array_begin(tx);
	for (size_t i = 0; i < count; i++)
		store_item_uuid(tx, ids[i]);
	store_arg_array_end(tx);
}

static void load_rows(ipam *ip)
{
	size_t count = 0;
	sot_err err = {0};
	const sot_uuid *ids = allocator_load_rows_wanted(ip->allocator, &count);
	if (count == 0) {
		finish(ip, 0);
		return;
	}
	store_tx *tx = store_begin_read(ip->reader);
	store_query(tx, IPAM_SQL_SCAN, NULL, NULL);
	store_query(tx, IPAM_SQL_HELD, on_held, ip);
	add_ids(tx, ids, count);
	store_query(tx, IPAM_SQL_COOLING, on_cooling, ip);
	add_ids(tx, ids, count);
	if (store_commit(&tx, on_rows, ip, &err) != SOT_OK)
		failed(ip, &err);
}

static void on_plan(void *self, const store_outcome *outcome)
{
	ipam *ip = self;
	const sot_err *why = outcome->code != SOT_OK ? outcome->why : &ip->load_error;
	if (why->code != SOT_OK) {
		failed(ip, why);
		return;
	}
	allocator_load_plan_end(ip->allocator);
	load_rows(ip);
}

void ipam_load(ipam *ip)
{
	ip->load_error = (sot_err){0};
	ip->load_began = reactor_now(ip->loop);
	ip->is_loading = true;
	allocator_load_begin(ip->allocator);
	store_tx *tx = store_begin_read(ip->reader);
	store_query(tx, IPAM_SQL_PLAN_STAMP, on_stamp, ip);
	store_query(tx, IPAM_SQL_VLANS, on_vlans, ip);
	store_query(tx, IPAM_SQL_SCOPES, on_scopes, ip);
	store_query(tx, IPAM_SQL_SUBNETS, on_subnets, ip);
	store_query(tx, IPAM_SQL_RANGES, on_ranges, ip);
	sot_err err = {0};
	if (store_commit(&tx, on_plan, ip, &err) != SOT_OK)
		failed(ip, &err);
}
