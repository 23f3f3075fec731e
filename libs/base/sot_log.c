/* logfmt on stderr, limited per event name. */
#include "sot_log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* At most PIPE_BUF: then a pipe that polls writable takes the whole line without blocking. */
#define LINE_MAX_BYTES 4096
#define EVENTS_MAX 512

static struct {
	char service[64];
	sot_level lowest;
	uint64_t dropped;
	struct {
		const char *event;
		sot_log_bucket bucket;
	} events[EVENTS_MAX];
	size_t event_count;
} state = {.service = "-", .lowest = SOT_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

sot_code sot_level_parse(sot_str name, sot_level *ret, sot_err *err)
{
	for (int i = SOT_DEBUG; i <= SOT_ERROR; i++) {
		if (sot_str_eq_c(name, level_names[i])) {
			*ret = (sot_level)i;
			return SOT_OK;
		}
	}
	return sot_fail(
	    err, SOT_INVALID, "log level '%.*s': use debug, info, warn or error", SOT_ARG(name));
}

void sot_log_setup(const char *service, sot_level lowest)
{
	snprintf(state.service, sizeof(state.service), "%s", service);
	state.lowest = lowest;
}

uint64_t sot_log_dropped(void)
{
	return state.dropped;
}

bool sot_log_bucket_take(sot_log_bucket *b, sot_mono now, uint64_t *ret_left_out)
{
	const int64_t full = SOT_LOG_BURST * 1000, per_ms = SOT_LOG_PER_S;
	if (!b->started)
		*b = (sot_log_bucket){.started = true, .last = now, .milli_tokens = full};
	int64_t passed = sot_mono_diff_ms(now, b->last);
	if (passed > 0) {
		int64_t gained = passed > full / per_ms ? full : passed * per_ms;
		b->milli_tokens = b->milli_tokens + gained > full ? full : b->milli_tokens + gained;
		b->last = now;
	}
	if (b->milli_tokens < 1000) {
		b->left_out++;
		return false;
	}
	b->milli_tokens -= 1000;
	*ret_left_out = b->left_out;
	b->left_out = 0;
	return true;
}

/* Event names are literals, few, and mostly the same pointer. Names past the table share its last
 * bucket. */
static sot_log_bucket *bucket_of(const char *event)
{
	for (size_t i = 0; i < state.event_count; i++)
		if (state.events[i].event == event || strcmp(state.events[i].event, event) == 0)
			return &state.events[i].bucket;
	if (state.event_count == EVENTS_MAX)
		return &state.events[EVENTS_MAX - 1].bucket;
	state.events[state.event_count].event = event;
	return &state.events[state.event_count++].bucket;
}

char *sot_log_quote(sot_str value, char *dst, size_t dst_size)
{
	size_t n = 0;
	if (dst_size < 3) {
		if (dst_size)
			dst[0] = '\0';
		return dst;
	}
	dst[n++] = '"';
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		bool escape = c == '"' || c == '\\';
		if (n + (escape ? 2 : 1) + 2 > dst_size)
			break;
		if (escape)
			dst[n++] = '\\';
		dst[n++] = (char)(c < 0x20 || c == 0x7f ? ' ' : c);
	}
	dst[n++] = '"';
	dst[n] = '\0';
	return dst;
}

static void write_line(char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[n++] = '\n';
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
	if (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT) || write(fd.fd, line, n) != (ssize_t)n)
		state.dropped++;
}

static size_t clamp(size_t n, size_t max)
{
	return n < max ? n : max;
}

static void SOT_PRINTF(3, 4) append(char line[LINE_MAX_BYTES], size_t *n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int more = vsnprintf(line + *n, LINE_MAX_BYTES - *n, fmt, ap);
	va_end(ap);
	*n = clamp(*n + (more > 0 ? (size_t)more : 0), LINE_MAX_BYTES - 1);
}

static void SOT_PRINTF(4, 0)
    log_line(sot_level level, const char *event, const sot_err *err, const char *fmt, va_list ap)
{
	uint64_t left_out = 0;
	if (level < state.lowest || !sot_log_bucket_take(bucket_of(event), sot_mono_now(), &left_out))
		return;
	char line[LINE_MAX_BYTES], stamp[25], quoted[2 * SOT_ERR_TEXT_MAX + 3];
	size_t n = 0;
	append(line, &n, "ts=%s level=%s svc=%s event=%s", sot_wall_format(sot_wall_now(), stamp),
	    level_names[level], state.service, event);
	if (fmt && *fmt) {
		append(line, &n, " ");
		int more = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
		n = clamp(n + (more > 0 ? (size_t)more : 0), sizeof(line) - 1);
	}
	if (err)
		append(line, &n, " code=%s err=%s", sot_code_name(err->code),
		    sot_log_quote(sot_str_c(err->text), quoted, sizeof(quoted)));
	if (left_out)
		append(line, &n, " left_out=%llu", (unsigned long long)left_out);
	write_line(line, n);
}

void sot_log(sot_level level, const char *event, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(level, event, NULL, fmt, ap);
	va_end(ap);
}

void sot_log_err(sot_level level, const char *event, const sot_err *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_line(level, event, err, fmt, ap);
	va_end(ap);
}
