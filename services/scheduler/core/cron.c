/* Lines of a crontab. */
#include "cron.h"

#include <string.h>

#define DAY_MINUTES 1440
#define TWICE_MAX_S (3 * 3600) /* clocks are set back by no more than that */

typedef struct field {
	const char *what;
	int least, most;
	const char *names; /* of three letters each, from `least` on */
} field;

static const field fields[] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of the month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_number(sot_str *s, int *ret)
{
	int n = 0;

	if (s->n == 0 || !digit(s->p[0]))
		return false;
	for (; s->n > 0 && digit(s->p[0]) && n < 1000; s->p++, s->n--)
		n = n * 10 + (s->p[0] - '0');
	*ret = n;
	return true;
}

static bool take_value(const field *f, sot_str *s, int *ret)
{
	if (take_number(s, ret))
		return *ret >= f->least && *ret <= f->most;
	for (size_t k = 0; s->n >= 3 && k < strlen(f->names); k += 3) {
		if ((s->p[0] | 0x20) != f->names[k] || (s->p[1] | 0x20) != f->names[k + 1] ||
		    (s->p[2] | 0x20) != f->names[k + 2])
			continue;
		*ret = f->least + (int)(k / 3);
		s->p += 3;
		s->n -= 3;
		return true;
	}
	return false;
}

static bool take_c(sot_str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

/* One item of a list: *, 5, 1-5, each with /step. */
static bool take_item(const field *f, sot_str *s, uint64_t *bits)
{
	int first = f->least, last = f->most, step = 1;

	if (!take_c(s, '*')) {
		if (!take_value(f, s, &first))
			return false;
		last = first;
		if (take_c(s, '-') && (!take_value(f, s, &last) || last < first))
			return false;
	}
	if (take_c(s, '/') && (!take_number(s, &step) || step < 1))
		return false;
	for (int k = first; k <= last; k += step)
		*bits |= 1ull << k;
	return true;
}

static bool take_field(const field *f, sot_str s, uint64_t *ret)
{
	*ret = 0;
	do {
		if (!take_item(f, &s, ret))
			return false;
	} while (take_c(&s, ','));
	return s.n == 0;
}

static sot_str next_word(sot_str *rest)
{
	while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t'))
		rest->p++, rest->n--;
	sot_str word = {rest->p, 0};
	while (rest->n > 0 && rest->p[0] != ' ' && rest->p[0] != '\t')
		rest->p++, rest->n--, word.n++;
	return word;
}

sot_code cron_parse(sot_str text, cron *ret, sot_err *err)
{
	uint64_t bits[FIELDS];
	bool any[FIELDS];
	sot_str rest = text;

	for (size_t k = 0; k < FIELDS; k++) {
		sot_str word = next_word(&rest);
		if (word.n == 0)
			return sot_fail(err, SOT_INVALID,
			    "'%.*s' has no %s: minute, hour, day of the month, month and day of the week are "
			    "needed",
			    SOT_ARG(text), fields[k].what);
		if (!take_field(&fields[k], word, &bits[k]))
			return sot_fail(err, SOT_INVALID, "'%.*s' is no %s: %d to %d, lists, ranges, */step",
			    SOT_ARG(word), fields[k].what, fields[k].least, fields[k].most);
		any[k] = word.p[0] == '*';
	}
	sot_str more = next_word(&rest);
	if (more.n > 0)
		return sot_fail(
		    err, SOT_INVALID, "'%.*s' is too much: there are five fields", SOT_ARG(more));
	if (bits[4] & 1u << 7) /* Sunday again */
		bits[4] |= 1;
	*ret = (cron){.minutes = bits[0],
	    .hours = (uint32_t)bits[1],
	    .days = (uint32_t)bits[2],
	    .months = (uint32_t)bits[3],
	    .weekdays = (uint32_t)(bits[4] & 0x7f),
	    .any_hour = any[1],
	    .any_day = any[2],
	    .any_weekday = any[4]};
	return SOT_OK;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Day and month of the days since 1970. */
static void civil(int64_t days, int *ret_month, int *ret_day)
{
	int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
	int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
	int64_t month = (5 * of_year + 2) / 153;

	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
}

/* `minute`: since 1970 as the clocks show it. */
static bool matches(const cron *c, int64_t minute)
{
	int64_t days = floor_div(minute, DAY_MINUTES), of_day = minute - days * DAY_MINUTES;
	int month, day;

	if (!(c->minutes >> (of_day % 60) & 1) || !(c->hours >> (of_day / 60) & 1))
		return false;
	civil(days, &month, &day);
	int64_t weekday = (days + 4) - floor_div(days + 4, 7) * 7;
	bool by_day = c->days >> day & 1, by_weekday = c->weekdays >> weekday & 1;
	if (!(c->months >> month & 1))
		return false;
	/* Both given: either is enough. One of them `*`: the other decides. */
	return c->any_day || c->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

static int64_t shown(const time_zone *z, int64_t unix_minute)
{
	return unix_minute + floor_div(time_zone_offset_s(z, unix_minute * 60), 60);
}

/* The clocks were set back a while ago and have shown that minute before. */
static bool is_shown_again(const time_zone *z, int64_t unix_minute)
{
	int32_t before = time_zone_offset_s(z, unix_minute * 60 - TWICE_MAX_S);
	int32_t now = time_zone_offset_s(z, unix_minute * 60);

	return before > now && time_zone_offset_s(z, unix_minute * 60 - (before - now)) == before;
}

bool cron_is_due(const cron *c, const time_zone *z, int64_t unix_minute)
{
	int64_t now = shown(z, unix_minute), before = shown(z, unix_minute - 1);

	if (c->any_hour)
		return matches(c, now);
	if (is_shown_again(z, unix_minute))
		return false;
	/* The minutes that were leapt over are due now, too. */
	for (int64_t m = now - before > 1 && now - before <= DAY_MINUTES ? before + 1 : now; m <= now;
	     m++)
		if (matches(c, m))
			return true;
	return false;
}
