/* fence - a leader begins: what earlier leaders asked for and never told of goes back, and nothing
 * that they asked is carried out any more (docs/adr/0019).
 *
 *   (fence) --> waits until no batch is out --> one transaction --> answered --> batches go on
 *
 * The database holds the epoch: each statement that gives addresses out looks at it and keeps it
 * locked until its commit, so a second ipam and what a dead one left on its way are fenced too.
 */
#include "ipam.h"
#include "sot_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct fence_job {
	ipam *ip;
	ipam_client *client;
	uint64_t epoch, epoch_before;
	bool is_out, is_quarantined;
	uint32_t taken_back;
	sot_err error; /* the first row that could not be read */
} fence_job;

/* ---- rows that come back ---- */

static void on_locked(void *self, const store_result *res)
{
	fence_job *job = self;
	int64_t epoch = 0;
	if (store_i64(res, 0, 0, &epoch, &job->error) == SOT_OK &&
	    store_bool(res, 0, 1, &job->is_quarantined, &job->error) == SOT_OK)
		job->epoch_before = (uint64_t)epoch;
}

static sot_code read_row(fence_job *job, const store_result *res, size_t row)
{
	int64_t vrf = 0, released = 0, free_after = 0;
	sot_ip address;
	sot_code code = store_i64(res, row, 0, &vrf, &job->error);
	if (code == SOT_OK)
		code = store_ip(res, row, 1, &address, &job->error);
	if (code == SOT_OK)
		code = store_i64(res, row, 2, &released, &job->error);
	if (code == SOT_OK)
		code = store_i64(res, row, 3, &free_after, &job->error);
	if (code == SOT_OK)
		allocator_note_cooling(
		    job->ip->allocator, (uint16_t)vrf, address, ADDRESS_RESERVED, released, free_after);
	return code;
}

static void on_raised(void *self, const store_result *res)
{
	fence_job *job = self;
	job->taken_back = (uint32_t)store_rows(res);
	for (size_t row = 0; row < store_rows(res); row++) {
		if (read_row(job, res, row) != SOT_OK)
			return;
	}
}

/* ---- the answer ---- */

static void answer_done(const fence_job *job)
{
	ipam *ip = job->ip;
	sot_err err = {0};
	sot_addresses_done done = {.request_id = job->client->request_id, .changed = job->taken_back};
	sot_buf_reset(&ip->frame);
	if (sot_addresses_done_encode(&done, &ip->frame, &err) == SOT_OK)
		ipam_send(ip, &job->client->from);
	else
		sot_log_err(SOT_ERROR, "answer.unencodable", &err, "epoch=%" PRIu64, job->epoch);
}

static void refuse(const fence_job *job, sot_refusal code, const char *why)
{
	sot_refused refused = {
	    .request_id = job->client->request_id, .code = code, .text = sot_str_c(why)};
	ipam_refuse(job->ip, &job->client->from, &refused);
}

static void conclude(fence_job *job, const store_outcome *outcome)
{
	char text[120];
	if (outcome->code != SOT_OK || job->error.code != SOT_OK) {
		const sot_err *why = outcome->why ? outcome->why : &job->error;
		sot_log_err(SOT_WARN, "fence.failed", why, "epoch=%" PRIu64, job->epoch);
		/* It may have been raised: what is in memory is not what it took back. */
		ipam_reload(job->ip);
		refuse(job, SOT_REFUSAL_UNAVAILABLE, why->text);
	} else if (job->is_quarantined) {
		refuse(job, SOT_REFUSAL_UNAVAILABLE, "nothing is taken back in a quarantine; try again");
	} else if (job->epoch_before > job->epoch) {
		(void)snprintf(text, sizeof(text), "the leader of epoch %" PRIu64 " has begun already",
		    job->epoch_before);
		allocator_fence(job->ip->allocator, job->epoch_before);
		refuse(job, SOT_REFUSAL_CONFLICT, text);
	} else {
		allocator_fence(job->ip->allocator, job->epoch);
		sot_log(SOT_INFO, "fence.raised", "epoch=%" PRIu64 " taken_back=%u", job->epoch,
		    job->taken_back);
		answer_done(job);
		ipam_hint(job->ip);
	}
}

static void end(fence_job *job)
{
	ipam *ip = job->ip;
	ipam_client_close(ip, job->client);
	ip->fence = NULL;
	free(job);
	ipam_pump_soon(ip);
}

static void on_done(void *self, const store_outcome *outcome)
{
	conclude(self, outcome);
	end(self);
}

void ipam_fence_refuse(ipam *ip, const char *why)
{
	if (!ip->fence || ip->fence->is_out)
		return;
	refuse(ip->fence, SOT_REFUSAL_UNAVAILABLE, why);
	end(ip->fence);
}

/* ---- the work ---- */

static void begin(fence_job *job)
{
	ipam *ip = job->ip;
	sot_err err = {0};
	store_tx *tx = store_begin(ip->store);
	store_query(tx, IPAM_SQL_FENCE_LOCK, on_locked, job);
	store_query(tx, IPAM_SQL_FENCE_RAISE, on_raised, job);
	store_arg_i64(tx, (int64_t)job->epoch);
	store_arg_i64(tx, ip->config->cooling_s);
	job->is_out = true;
	if (store_commit(&tx, on_done, job, &err) == SOT_OK)
		return;
	store_outcome outcome = {.code = err.code, .why = &err};
	on_done(job, &outcome);
}

bool ipam_fence_is_due(ipam *ip)
{
	fence_job *job = ip->fence;
	if (!job)
		return false;
	/* What it takes back is noted in memory, which must be there. */
	if (!job->is_out && allocator_batches_out(ip->allocator) == 0 &&
	    !allocator_needs_load(ip->allocator))
		begin(job);
	return true;
}

bool ipam_fence_is_out(const ipam *ip)
{
	return ip->fence && ip->fence->is_out;
}

void ipam_on_fence(void *self, const void *from, const sot_addresses_fence *m)
{
	ipam *ip = self;
	const char *why = ipam_why_not_now(ip);
	if (!why && ip->blocked[0] != '\0')
		why = ip->blocked;
	if (!why && ip->fence)
		why = "another leader begins in this moment; try again";
	ipam_client *client = why ? NULL : ipam_client_open(ip, from, m->request_id);
	if (client) {
		ip->fence = sot_alloc(sizeof(*ip->fence));
		*ip->fence = (fence_job){.ip = ip, .client = client, .epoch = m->epoch};
		ipam_pump_soon(ip);
	} else if (why && !(ip->fence && ip->fence->client->request_id == m->request_id)) {
		sot_refused refused = {
		    .request_id = m->request_id, .code = SOT_REFUSAL_UNAVAILABLE, .text = sot_str_c(why)};
		ipam_refuse(ip, from, &refused);
	}
}
