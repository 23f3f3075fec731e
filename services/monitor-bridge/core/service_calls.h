/* service_calls - what a service tells of its calls (libs/store/call_reports.h), read. Pure.
 *
 * A row: c US type US name US failed US sum of us US ms:count,ms:count...
 *    or: f US type US name US status US end, unix ms US duration, us
 * and RS behind each. The text comes from the database, so from any of our services, also of a
 * later version: a row of a kind that is not known is skipped, one that is wrong is counted.
 */
#ifndef MONITOR_SERVICE_CALLS_H
#define MONITOR_SERVICE_CALLS_H

#include "sot_calls.h"

enum { SERVICE_CALL_KINDS_MAX = 300, SERVICE_CALL_TYPE_MAX = 30 };

/* Adds what the text says of the first type in it that none of `done` is. Returns that type, a view
 * of `text`, empty when there is none left. `ret_wrong` counts rows that cannot be read. */
sot_str service_calls_read(
    sot_str text, const sot_str *done, size_t done_count, sot_calls *into, size_t *ret_wrong);

#endif
