#include "service_calls.h"

#include "monitor.h"
#include "sot_parse.h"

#include <stdio.h>

static sot_str next_part(sot_str *rest)
{
	return sot_str_cut(*rest, MONITOR_PART_END, rest);
}

static bool is_done(sot_str type, const sot_str *done, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sot_str_eq(type, done[i]))
			return true;
	}
	return false;
}

static bool read_count(sot_calls *into, sot_str rest)
{
	sot_str name = next_part(&rest), failed = next_part(&rest), sum = next_part(&rest);
	sot_call_counts read = {0};
	if (sot_parse_u64(failed, 0, UINT32_MAX, &read.failed, NULL) != SOT_OK ||
	    sot_parse_u64(sum, 0, INT64_MAX / 2, &read.us_sum, NULL) != SOT_OK)
		return false;
	while (rest.n > 0) {
		uint64_t ms, times;
		sot_str number, duration = sot_str_cut(sot_str_cut(rest, ',', &rest), ':', &number);
		if (sot_parse_u64(duration, 0, UINT32_MAX, &ms, NULL) != SOT_OK ||
		    sot_parse_u64(number, 1, UINT32_MAX / SOT_CALL_CLASSES, &times, NULL) != SOT_OK)
			return false;
		sot_call_counts_add(&read, ms, (uint32_t)times);
	}
	if (name.n == 0 || read.count == 0 || read.failed > read.count)
		return false;
	sot_call_counts_merge(sot_calls_of(into, name), &read);
	return true;
}

static bool read_failure(sot_calls *into, sot_str rest)
{
	char text[SOT_CALL_STATUS_MAX + 1];
	sot_str name = next_part(&rest), status = next_part(&rest), at = next_part(&rest);
	int64_t at_unix_ms;
	uint64_t us;
	if (name.n == 0 || status.n == 0 ||
	    sot_parse_i64(at, 0, INT64_MAX / 1000, &at_unix_ms, NULL) != SOT_OK ||
	    sot_parse_u64(rest, 0, INT64_MAX / 2, &us, NULL) != SOT_OK)
		return false;
	(void)snprintf(text, sizeof(text), "%.*s", SOT_ARG(status));
	sot_calls_note_failure(into, name, (int64_t)us, text, (sot_wall){at_unix_ms});
	return true;
}

sot_str service_calls_read(
    sot_str text, const sot_str *done, size_t done_count, sot_calls *into, size_t *ret_wrong)
{
	sot_str type = {NULL, 0};
	*ret_wrong = 0;
	while (text.n > 0) {
		sot_str row = sot_str_cut(text, MONITOR_ROW_END, &text);
		sot_str kind = next_part(&row), of = next_part(&row);
		if (of.n == 0 || of.n > SERVICE_CALL_TYPE_MAX || is_done(of, done, done_count))
			continue;
		if (type.n == 0)
			type = of;
		if (!sot_str_eq(type, of))
			continue;
		if (sot_str_eq_c(kind, "c"))
			*ret_wrong += !read_count(into, row);
		else if (sot_str_eq_c(kind, "f"))
			*ret_wrong += !read_failure(into, row);
	}
	return type;
}
