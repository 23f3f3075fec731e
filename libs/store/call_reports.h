/* call_reports - tells the bridge to CAT of the calls of this process, by way of the database: its
 * SQL statements, and what else its owner counts. One row a minute, never a message a call.
 *
 * A report that is refused or lost is lost, and counted; while the database is away calls are
 * counted on, and told together when it is back. The bridge takes rows with monitor.take_calls.
 */
#ifndef CALL_REPORTS_H
#define CALL_REPORTS_H

#include "sot_calls.h"
#include "store.h"

typedef struct call_reports call_reports;
/* `statement` of `s` takes a service's name and its calls (report_calls.sql). All is borrowed. */
call_reports *call_reports_new(reactor *r, store *s, int statement, const char *service);
/* Before the store is freed. */
call_reports *call_reports_free(call_reports *c);
SOT_DEFINE_AUTO(call_reports)
/* Counts that are told too, under a type of their own such as "URL"; at most 4. They are cleared
 * with each report; borrowed until the end. */
void call_reports_add(call_reports *c, const char *type, sot_calls *calls);

/* The text of a report, for tests: rows parted by RS, parts by US.
 *   c US type US name US failed US sum of us US ms:count,ms:count...
 *   f US type US name US status US end, unix ms US duration, us */
void call_reports_write(const char *type, const char *prefix, const sot_calls *calls, sot_buf *out);

#endif
