#include "maintenance.h"

#include <string.h>

#define DAY_MINUTES (24 * 60)

typedef struct window {
	uint8_t days; /* bit 0: Monday */
	int from, to; /* minutes of the day; to <= from: of the next day */
} window;

static bool read_days(sot_str text, uint8_t *ret)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	sot_str rest = text;

	*ret = 0;
	if (sot_str_eq_c(text, "daily")) {
		*ret = 0x7f;
		return true;
	}
	if (text.n > 0 && text.p[text.n - 1] == ',')
		return false;
	while (rest.n > 0) {
		sot_str day = sot_str_cut(rest, ',', &rest);
		unsigned k = 0;
		while (k < 7 && !sot_str_eq_c(day, names[k]))
			k++;
		if (k == 7)
			return false;
		*ret |= (uint8_t)(1u << k);
	}
	return *ret != 0;
}

/* "07:30"; 24:00 is the end of the day. */
static bool read_minute(sot_str text, int *ret)
{
	for (size_t k = 0; k < text.n; k++) {
		if (k != 2 && (text.p[k] < '0' || text.p[k] > '9'))
			return false;
	}
	if (text.n != 5 || text.p[2] != ':')
		return false;
	int hour = (text.p[0] - '0') * 10 + text.p[1] - '0';
	int minute = (text.p[3] - '0') * 10 + text.p[4] - '0';
	*ret = hour * 60 + minute;
	return minute < 60 && *ret <= DAY_MINUTES;
}

static bool read_window(sot_str text, window *ret, const char **ret_why)
{
	sot_str times, end;
	sot_str days = sot_str_cut(text, ' ', &times);
	sot_str begin = sot_str_cut(times, '-', &end);

	*ret_why = NULL;
	if (!read_days(days, &ret->days))
		*ret_why =
		    "say which days: daily, or of mon, tue, wed, thu, fri, sat, sun with commas between";
	else if (!read_minute(begin, &ret->from) || !read_minute(end, &ret->to))
		*ret_why = "say from when to when, in UTC: 'sat,sun 22:00-04:00'";
	else if (ret->from == ret->to || ret->from == DAY_MINUTES)
		*ret_why = "it ends when it begins; a whole day is 00:00-24:00";
	return *ret_why == NULL;
}

bool maintenance_window_check(sot_str text, const char **ret_why)
{
	window w;

	return read_window(text, &w, ret_why);
}

static bool is_in(const window *w, int64_t unix_ms)
{
	int64_t minutes = unix_ms / 60000;
	int now = (int)(minutes % DAY_MINUTES);
	unsigned today = (unsigned)((minutes / DAY_MINUTES + 3) % 7); /* 1970 began on a Thursday */
	unsigned yesterday = (today + 6) % 7;
	bool over_midnight = w->to <= w->from;

	if ((w->days >> today & 1) && now >= w->from && (over_midnight || now < w->to))
		return true;
	return over_midnight && (w->days >> yesterday & 1) && now < w->to;
}

bool maintenance_is_open(const char *windows, int64_t unix_ms)
{
	sot_str rest = sot_str_c(windows ? windows : "");
	const char *why;
	window w;

	if (rest.n == 0)
		return true;
	while (rest.n > 0) {
		if (read_window(sot_str_cut(rest, ';', &rest), &w, &why) && is_in(&w, unix_ms))
			return true;
	}
	return false;
}

static bool has_word(const char *words, sot_str word)
{
	sot_str rest = sot_str_c(words ? words : ""), one;

	while (words_next(&rest, &one)) {
		if (sot_str_eq(one, word))
			return true;
	}
	return false;
}

bool maintenance_is_opted_out(const app_settings *s, sot_str package)
{
	return has_word(s->opt_outs, package) || has_word(s->opt_outs, SOT_STR("*"));
}

bool maintenance_has_label(const app_settings *s, sot_str label)
{
	return has_word(s->labels, label);
}
