/* sot_log - one logfmt line per event on stderr: ts level svc event key=value ...
 *
 * An event is a fixed name ("lease.granted"), never a sentence with numbers in it. Libraries do not
 * log; shells do, once per failure. Each event name is limited to a burst of 50 lines and 10 lines
 * a second; what is left out is counted and said. A line that cannot be written is dropped and
 * counted (a full disk must not stop a service).
 */
#ifndef SOT_LOG_H
#define SOT_LOG_H

#include "sot_err.h"

#include <stdint.h>

typedef enum sot_level { SOT_DEBUG, SOT_INFO, SOT_WARN, SOT_ERROR } sot_level;

void sot_log_setup(const char *service, sot_level lowest);
/* Pairs of key and printf-formatted value in one format: sot_log(SOT_INFO, "bus.up",
 * "endpoint=%s peers=%d", ep, n). Values with spaces must be passed through %s of sot_log_quote or
 * written as key="%s". Newlines in the result are replaced by spaces. */
void sot_log(sot_level level, const char *event, const char *fmt, ...) SOT_PRINTF(3, 4);
/* As sot_log, with code="..." err="..." of `err` appended. */
void sot_log_err(sot_level level, const char *event, const sot_err *err, const char *fmt, ...)
	SOT_PRINTF(4, 5);
uint64_t sot_log_dropped(void);

#endif
