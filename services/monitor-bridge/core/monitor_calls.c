/* Calls of a minute as transactions: one aggregate for each kind, which the server's statistics
 * take like as many transactions, and one of its own for each failure, so that it is on the Problem
 * page.
 */
#include "cat_period.h"
#include "monitor_internal.h"
#include "service_calls.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	AGGREGATE_MAX = 1600, /* 60 durations of at most 5 digits, counts of at most 10 */
	TYPES_MAX = 8         /* of one service */
};

/* "@count;fail;sum of ms;ms,count|ms,count". */
static sot_str aggregate_of(const sot_call_counts *c, char dst[static AGGREGATE_MAX])
{
	const char *between = ";";
	int n = snprintf(dst, AGGREGATE_MAX, "@%" PRIu64 ";%" PRIu64 ";%" PRIu64, c->count, c->failed,
	    c->us_sum / 1000);
	for (unsigned class = 0; class < SOT_CALL_CLASSES; class ++) {
		if (c->classes[class] == 0)
			continue;
		n += snprintf(dst + n, AGGREGATE_MAX - (size_t)n, "%s%" PRIu64 ",%" PRIu32, between,
		    sot_call_class_ms(class), c->classes[class]);
		between = "|";
	}
	return (sot_str){dst, (size_t)n};
}

static void send_kind(monitor *m, const machine *of, sot_str type, sot_str name,
    const sot_call_counts *counts, sot_wall now)
{
	char data[AGGREGATE_MAX];
	const cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = now.unix_ms,
	    .type = type,
	    .name = name,
	    .status = CAT_SUCCESS,
	    .data = aggregate_of(counts, data),
	    .data_is_aggregate = true};
	if (counts->count > 0)
		monitor_emit(m, of, &root, now);
}

/* A transaction begins where its call began; in an hour that is closed, where it ended. */
static void send_failure(
    monitor *m, const machine *of, sot_str type, const sot_call_failure *f, sot_wall now)
{
	int64_t begin = f->at_unix_ms - (int64_t)(f->us / 1000);
	const cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = cat_period_is_open(begin, now.unix_ms) ? begin : f->at_unix_ms,
	    .type = type,
	    .name = sot_str_c(f->name),
	    .status = sot_str_c(f->status[0] ? f->status : "failed"),
	    .duration_us = f->us};
	monitor_emit(m, of, &root, now);
}

void monitor_send_calls(
    monitor *m, const machine *of, sot_str type, const sot_calls *calls, sot_wall now)
{
	sot_map_iter it = {0};
	sot_str name;
	size_t failed;
	for (const sot_call_counts *counts; (counts = sot_calls_next(calls, &it, &name)) != NULL;)
		send_kind(m, of, type, name, counts, now);
	const sot_call_failure *list = sot_calls_failures(calls, &failed);
	for (size_t i = 0; i < failed; i++)
		send_failure(m, of, type, &list[i], now);
}

/* A machine for the length of a call: where a service runs that is not here. */
static const machine *machine_at(const monitor *m, uint32_t address, machine *dst)
{
	char text[16];
	if (address == 0 || address == m->options.address)
		return m->bridge;
	*dst = (machine){.kind = MACHINE_BRIDGE, .address = address};
	(void)snprintf(dst->key, sizeof(dst->key), "%s", sot_format_ipv4(address, text));
	return dst;
}

void monitor_service_calls(monitor *m, sot_str text, uint32_t address, sot_wall now)
{
	sot_str done[TYPES_MAX];
	machine elsewhere;
	const machine *at = machine_at(m, address, &elsewhere);
	SOT_AUTO(sot_calls) calls = sot_calls_new(SERVICE_CALL_KINDS_MAX);
	for (size_t i = 0; i < TYPES_MAX; i++) {
		size_t wrong;
		done[i] = service_calls_read(text, done, i, calls, &wrong);
		m->counters.calls_unread += wrong;
		if (done[i].n == 0)
			return;
		monitor_send_calls(m, at, done[i], calls, now);
		sot_calls_clear(calls);
	}
}
