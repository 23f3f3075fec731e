/* truth_requests - quarantine_end, brake_release: an operator's word against the two guards. */
#include "change.h"

typedef struct guard_facts {
	bool is_quarantined, is_braked;
	int64_t awaited, candidates;
} guard_facts;

static void on_state(void *self, const store_result *res)
{
	change *c = self;
	guard_facts *facts = c->facts;
	sot_err *err = &c->read_error;
	if (store_bool(res, 0, 0, &facts->is_quarantined, err) == SOT_OK &&
	    store_i64(res, 0, 1, &facts->awaited, err) == SOT_OK &&
	    store_bool(res, 0, 2, &facts->is_braked, err) == SOT_OK &&
	    store_i64(res, 0, 3, &facts->candidates, err) != SOT_OK)
		facts->candidates = 0;
}

static void read_state(change *c, store_tx *tx)
{
	store_query(tx, IPAM_SQL_GUARD_STATE, on_state, c);
}

static void tell(change *c, const char *count_name, int64_t count, sot_str reason)
{
	c->target = SOT_STR("ipam");
	c->id = change_new_id(c);
	sot_buf_printf(
	    &c->data, "\"engaged\":false,\"%s\":%lld,\"reason\":", count_name, (long long)count);
	sot_buf_add_json(&c->data, reason);
}

/* ---- quarantine_end ---- */

static void check_end(change *c)
{
	const sot_quarantine_end *m = c->message;
	const guard_facts *facts = c->facts;
	if (facts->is_quarantined)
		tell(c, "waitingFor", facts->awaited, m->reason);
	else
		change_refuse(c, SOT_REFUSAL_CONFLICT, "", "there is no quarantine: nothing is awaited");
}

static void write_end(change *c, store_tx *tx)
{
	(void)c;
	store_query(tx, IPAM_SQL_GUARD_END, NULL, NULL);
}

void ipam_on_quarantine_end(void *self, const void *from, const sot_quarantine_end *m)
{
	static const change_kind kind = {.action = "ipam.quarantine_end",
	    .event = "ipam.quarantine",
	    .message = &sot_quarantine_end_type,
	    .facts_size = sizeof(guard_facts),
	    .read = read_state,
	    .check = check_end,
	    .write = write_end};
	change_open(self, from, &kind, m);
}

/* ---- brake_release ---- */

static void check_release(change *c)
{
	const sot_brake_release *m = c->message;
	const guard_facts *facts = c->facts;
	if (facts->is_braked)
		tell(c, "candidates", facts->candidates, m->reason);
	else
		change_refuse(
		    c, SOT_REFUSAL_CONFLICT, "", "the collection of leaked addresses is not stopped");
}

static void write_release(change *c, store_tx *tx)
{
	(void)c;
	store_query(tx, IPAM_SQL_LEAK_RELEASE, NULL, NULL);
}

void ipam_on_brake_release(void *self, const void *from, const sot_brake_release *m)
{
	static const change_kind kind = {.action = "ipam.brake_release",
	    .event = "ipam.brake",
	    .message = &sot_brake_release_type,
	    .facts_size = sizeof(guard_facts),
	    .read = read_state,
	    .check = check_release,
	    .write = write_release};
	change_open(self, from, &kind, m);
}
