#include "truth.h"

#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>

sot_code truth_state_parse(sot_str word, truth_state *ret, sot_err *err)
{
	static const char *const words[] = {[TRUTH_NO_ROW] = "",
	    [TRUTH_RESERVED] = "reserved",
	    [TRUTH_BOUND] = "bound",
	    [TRUTH_COOLING] = "cooling",
	    [TRUTH_STATIC] = "static",
	    [TRUTH_EXCLUDED] = "excluded",
	    [TRUTH_CONFLICT] = "conflict",
	    [TRUTH_SUSPECT] = "suspect"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (sot_str_eq_c(word, words[i])) {
			*ret = (truth_state)i;
			return SOT_OK;
		}
	}
	return sot_fail(err, SOT_INTERNAL, "no state of an address is called '%.*s'", SOT_ARG(word));
}

static bool is_given(truth_state state)
{
	return state == TRUTH_RESERVED || state == TRUTH_BOUND;
}

/* The row as it is now was written before the host was looked at. */
static bool report_is_newer(const truth_difference *d, const truth_evidence *e)
{
	return d->state == TRUTH_NO_ROW || d->row_updated_unix_ms + e->margin_ms < e->taken_unix_ms;
}

static truth_verdict foreign(const truth_difference *d, char *ret_detail)
{
	char owner[SOT_UUID_TEXT];
	const char *why = "no row gives it to anybody";
	switch (d->state) {
	case TRUTH_RESERVED:
	case TRUTH_BOUND:
		(void)snprintf(ret_detail, TRUTH_DETAIL_MAX, "it belongs to instance %s",
		    sot_uuid_format(d->owner, owner));
		return TRUTH_FOREIGN;
	case TRUTH_COOLING:
		why = "it was released, and is still used";
		break;
	case TRUTH_STATIC:
	case TRUTH_EXCLUDED:
		why = "it is kept for something that is no instance";
		break;
	case TRUTH_CONFLICT:
		why = "somebody else uses it";
		break;
	case TRUTH_SUSPECT:
		why = "it is suspect";
		break;
	case TRUTH_NO_ROW:
		break;
	}
	(void)snprintf(ret_detail, TRUTH_DETAIL_MAX, "%s", why);
	return TRUTH_FOREIGN;
}

static truth_verdict judge_reported(const truth_difference *d, char *ret_detail)
{
	if (!is_given(d->state) || !sot_uuid_eq(d->owner, d->instance))
		return foreign(d, ret_detail);
	if (d->state == TRUTH_RESERVED || sot_uuid_eq(d->row_host, d->host))
		return TRUTH_FINE;
	if (sot_uuid_eq(d->owner_host, d->host))
		return TRUTH_FINE; /* it moved there by the scheduler's will; the bind is under way */
	char bound_to[SOT_UUID_TEXT];
	(void)snprintf(ret_detail, TRUTH_DETAIL_MAX, "it is bound to host %s",
	    sot_uuid_format(d->row_host, bound_to));
	return TRUTH_MOVED;
}

static truth_verdict judge_unreported(
    const truth_difference *d, const truth_evidence *e, char *ret_detail)
{
	if (e->generation < e->generation_wanted)
		return TRUTH_UNDECIDED;
	/* An owner that is gone is a leak, not a finding; one that is stopped has nothing wired. */
	if (!d->owner_is_live || !d->owner_should_run)
		return TRUTH_FINE;
	(void)snprintf(ret_detail, TRUTH_DETAIL_MAX,
	    "the host has the desired set %" PRIu64 " and does not use it", e->generation);
	return TRUTH_MISSING;
}

truth_verdict truth_judge(
    const truth_difference *d, const truth_evidence *e, char ret_detail[static TRUTH_DETAIL_MAX])
{
	ret_detail[0] = '\0';
	if (d->is_reported && is_given(d->state) && sot_uuid_eq(d->owner, d->instance) &&
	    sot_uuid_eq(d->row_host, d->host))
		return TRUTH_FINE;
	if (!report_is_newer(d, e))
		return TRUTH_UNDECIDED;
	return d->is_reported ? judge_reported(d, ret_detail) : judge_unreported(d, e, ret_detail);
}

bool truth_needs_suspect(const truth_difference *d)
{
	return d->state == TRUTH_NO_ROW || d->state == TRUTH_COOLING;
}

/* ---- restores ---- */

bool truth_was_restored(
    const truth_life *life, const truth_witness *witness, char ret_reason[static TRUTH_DETAIL_MAX])
{
	if (!sot_uuid_eq(life->stream, life->guard_stream)) {
		(void)snprintf(ret_reason, TRUTH_DETAIL_MAX, "the database was restored");
		return true;
	}
	/* A witness of another life of the data knows nothing of this one. */
	if (!sot_uuid_eq(witness->stream, life->stream))
		return false;
	bool is_short = life->event_number < witness->event_number;
	bool is_older = life->event_id > 0 && life->event_id < witness->event_id;
	if (is_short || is_older)
		(void)snprintf(ret_reason, TRUTH_DETAIL_MAX,
		    "the database is older than it was: event %" PRIu64
		    " was seen, and its newest is %" PRIu64,
		    is_short ? witness->event_number : witness->event_id,
		    is_short ? life->event_number : life->event_id);
	return is_short || is_older;
}

bool truth_host_is_ahead(uint64_t epoch, uint64_t leader_epoch, const truth_evidence *e,
    char ret_reason[static TRUTH_DETAIL_MAX])
{
	if (epoch > leader_epoch) {
		(void)snprintf(ret_reason, TRUTH_DETAIL_MAX,
		    "a host has obeyed epoch %" PRIu64 ", and the database knows only %" PRIu64, epoch,
		    leader_epoch);
		return true;
	}
	if (e->generation > e->generation_wanted) {
		(void)snprintf(ret_reason, TRUTH_DETAIL_MAX,
		    "a host has the desired set %" PRIu64 ", and the database knows only %" PRIu64,
		    e->generation, e->generation_wanted);
		return true;
	}
	return false;
}

void truth_witness_format(const truth_witness *w, sot_buf *out)
{
	char stream[SOT_UUID_TEXT];
	sot_buf_printf(out, "%s %" PRIu64 " %" PRIu64 "\n", sot_uuid_format(w->stream, stream),
	    w->event_number, w->event_id);
}

sot_code truth_witness_parse(sot_str text, truth_witness *ret, sot_err *err)
{
	truth_witness w;
	sot_str rest;
	sot_str stream = sot_str_cut(text, ' ', &rest);
	sot_str number = sot_str_cut(rest, ' ', &rest);
	sot_str id = sot_str_cut(rest, '\n', &rest);
	sot_code code = sot_uuid_parse(stream, &w.stream, err);
	if (code == SOT_OK)
		code = sot_parse_u64(number, 0, UINT64_MAX, &w.event_number, err);
	if (code == SOT_OK)
		code = sot_parse_u64(id, 0, UINT64_MAX, &w.event_id, err);
	if (code == SOT_OK)
		*ret = w;
	return code;
}
