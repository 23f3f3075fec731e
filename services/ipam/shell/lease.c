/* lease - takes reservations back that nobody bound in time and whose owner is not there. */
#include "ipam.h"
#include "sot_log.h"

enum { LEASES_MAX = 1000, LEASE_TURN_MS = 5000 };

static sot_code read_lease(ipam *ip, const store_result *res, size_t row, sot_err *err)
{
	int64_t vrf = 0, released = 0, free_after = 0;
	sot_ip address;
	bool renewed = false;
	sot_code code = store_i64(res, row, 0, &vrf, err);
	if (code == SOT_OK)
		code = store_ip(res, row, 1, &address, err);
	if (code == SOT_OK)
		code = store_bool(res, row, 2, &renewed, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &released, err);
	if (code == SOT_OK)
		code = store_i64(res, row, 4, &free_after, err);
	if (code != SOT_OK || renewed)
		return code;
	allocator_note_cooling(
	    ip->allocator, (uint16_t)vrf, address, ADDRESS_RESERVED, released, free_after);
	sot_metric_add(ip->m_expired, 1);
	return SOT_OK;
}

static void on_leases(void *self, const store_result *res)
{
	ipam *ip = self;
	sot_err err = {0};
	for (size_t row = 0; row < store_rows(res); row++) {
		if (read_lease(ip, res, row, &err) != SOT_OK) {
			sot_log_err(SOT_ERROR, "lease.unread", &err, "row=%zu", row);
			ipam_reload(ip);
			return;
		}
	}
	if (store_rows(res) > 0)
		sot_log(SOT_DEBUG, "leases.ended", "rows=%zu", store_rows(res));
	/* As many as fit: there may be more. */
	if (store_rows(res) == LEASES_MAX)
		reactor_rearm_ms(ip->lease_timer, 0);
}

static void on_done(void *self, const store_outcome *outcome)
{
	ipam *ip = self;
	if (outcome->code == SOT_OK)
		ipam_hint(ip);
	else
		sot_log_err(SOT_WARN, "leases.unchecked", outcome->why, "retry_ms=%d", LEASE_TURN_MS);
}

/* Only with fresh memory, and not while it is doubtful what the database knows. */
void ipam_on_lease_timer(void *self, uint64_t missed)
{
	(void)missed;
	ipam *ip = self;
	sot_err err = {0};
	reactor_rearm_ms(ip->lease_timer, LEASE_TURN_MS);
	if (!store_is_up(ip->store) || !allocator_is_loaded(ip->allocator) || ip->blocked[0] != '\0')
		return;
	store_tx *tx = store_begin(ip->store);
	store_query(tx, IPAM_SQL_LEASES, on_leases, ip);
	store_arg_i64(tx, LEASES_MAX);
	store_arg_i64(tx, ip->config->lease_s);
	store_arg_i64(tx, ip->config->cooling_s);
	if (store_commit(&tx, on_done, ip, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "leases.unchecked", &err, "retry_ms=%d", LEASE_TURN_MS);
}
