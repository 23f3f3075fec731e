/* sot_log - one logfmt line per event on stderr: ts= level= svc= event= key=value ...
 *
 * An event is a fixed name ("lease.granted"), never a sentence with numbers in it. Libraries do not
 * log; shells do, once per failure. Each event name is limited to a burst of 50 lines and 10 lines
 * a second; what is left out is counted and said. A line that cannot be written is dropped and
 * counted (a full disk must not stop a service). One owner thread.
 */
#ifndef SOT_LOG_H
#define SOT_LOG_H

#include "sot_str.h"
#include "sot_time.h"

typedef enum sot_level { SOT_DEBUG, SOT_INFO, SOT_WARN, SOT_ERROR } sot_level;

/* `service` is copied; lines below `lowest` are not written. Default "-" and SOT_INFO. */
void sot_log_setup(const char *service, sot_level lowest);
/* "debug", "info", "warn" or "error", as in configuration files. SOT_INVALID names the word. */
sot_code sot_level_parse(sot_str name, sot_level *ret, sot_err *err) SOT_CHECK;
/* Pairs of key and printf-formatted value in one format: sot_log(SOT_INFO, "bus.up",
 * "endpoint=%s peers=%d", ep, n). Values with spaces must be passed through %s of sot_log_quote or
 * written as key="%s". Control characters in the result are replaced by spaces; a line is cut at
 * 4 KiB. `event` must be a literal (it is kept). */
void sot_log(sot_level level, const char *event, const char *fmt, ...) SOT_PRINTF(3, 4);
/* As sot_log, with code="..." err="..." of `err` appended. */
void sot_log_err(sot_level level, const char *event, const sot_err *err, const char *fmt, ...)
    SOT_PRINTF(4, 5);
/* Lines lost because stderr was full, closed or would block. Not those of the rate limit. */
uint64_t sot_log_dropped(void);
/* "value" with quotes, '"' and '\\' escaped, control characters as spaces; cut to fit. */
char *sot_log_quote(sot_str value, char *dst, size_t dst_size);

#define SOT_LOG_BURST 50
#define SOT_LOG_PER_S 10
/* The limit of one event name. Pure; start with {0}. */
typedef struct sot_log_bucket {
	bool started;
	sot_mono last;
	int64_t milli_tokens;
	uint64_t left_out;
} sot_log_bucket;
/* True when a line may be written now; then *ret_left_out tells how many were not, since the last
 * one that was. */
bool sot_log_bucket_take(sot_log_bucket *b, sot_mono now, uint64_t *ret_left_out);

#endif
