/* Time zones as TZif files have them. */
#include "time_zone.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S 86400
#define HEADER 44
#define CHANGES_MAX 4096

/* When the clocks change by the footer: day `weekday` of week `week` (5: the last) of `month`, at
 * `second` of the day by the clocks before. Other forms of a day are in no zone of today. */
typedef struct yearly {
	int month, week, weekday;
	int32_t second;
} yearly;

struct time_zone {
	size_t count;
	int64_t *at; /* ascending */
	int32_t *offset;
	int32_t before; /* the first of them */
	bool has_rule, has_summer;
	int32_t winter, summer; /* of the rule */
	yearly begins, ends;    /* of summer */
};

/* ---- the calendar ---- */

static int64_t days_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t year_of(int64_t unix_s)
{
	int64_t days = unix_s / DAY_S - (unix_s % DAY_S < 0), year = 1970 + days / 366;

	while (days_of(year + 1, 1, 1) <= days)
		year++;
	return year;
}

/* The instant of the change in that year. offset: of the clocks before it. */
static int64_t change_of(const yearly *y, int64_t year, int32_t offset)
{
	int64_t first = days_of(year, y->month, 1);
	int64_t next = y->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, y->month + 1, 1);
	int64_t day = first + (y->weekday - (first + 4) % 7 + 7) % 7 + (y->week - 1) * 7;

	while (day >= next)
		day -= 7;
	return day * DAY_S + y->second - offset;
}

static int32_t offset_by_rule(const time_zone *z, int64_t unix_s)
{
	if (!z->has_summer)
		return z->winter;
	int64_t year = year_of(unix_s + z->winter);
	int64_t begins = change_of(&z->begins, year, z->winter);
	int64_t ends = change_of(&z->ends, year, z->summer);
	bool summer =
	    begins < ends ? unix_s >= begins && unix_s < ends : unix_s >= begins || unix_s < ends;
	return summer ? z->summer : z->winter;
}

/* ---- the footer: EST5EDT,M3.2.0,M11.1.0 ---- */

static bool eat(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool number(const char **p, int32_t most, int32_t *ret)
{
	int32_t n = 0;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9' && n <= most; (*p)++)
		n = n * 10 + (**p - '0');
	*ret = n;
	return n <= most;
}

static bool name(const char **p)
{
	const char *begin = *p;

	if (eat(p, '<')) {
		while (**p && **p != '>')
			(*p)++;
		return eat(p, '>');
	}
	while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z'))
		(*p)++;
	return *p - begin >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool duration(const char **p, int32_t *ret)
{
	bool negative = eat(p, '-');
	int32_t h = 0, m = 0, s = 0;

	if (!negative)
		(void)eat(p, '+');
	if (!number(p, 167, &h) || (eat(p, ':') && !number(p, 59, &m)) ||
	    (eat(p, ':') && !number(p, 59, &s)))
		return false;
	*ret = (h * 3600 + m * 60 + s) * (negative ? -1 : 1);
	return true;
}

static bool day_rule(const char **p, yearly *ret)
{
	int32_t month, week, weekday;

	if (!eat(p, ',') || !eat(p, 'M') || !number(p, 12, &month) || !eat(p, '.') ||
	    !number(p, 5, &week) || !eat(p, '.') || !number(p, 6, &weekday) || month == 0 || week == 0)
		return false;
	*ret = (yearly){month, week, weekday, 7200};
	return !eat(p, '/') || duration(p, &ret->second);
}

static bool footer(time_zone *z, const char *p)
{
	int32_t west;

	if (!name(&p) || !duration(&p, &west))
		return false;
	z->winter = -west;
	z->has_rule = true;
	if (!*p)
		return true;
	if (!name(&p))
		return false;
	z->summer = z->winter + 3600;
	if (*p != ',') {
		if (!duration(&p, &west))
			return false;
		z->summer = -west;
	}
	z->has_summer = true;
	return day_rule(&p, &z->begins) && day_rule(&p, &z->ends) && !*p;
}

/* ---- the file ---- */

static int64_t big_endian(const uint8_t *p, int bytes)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (int k = 0; k < bytes; k++)
		v = v << 8 | p[k];
	return (int64_t)v;
}

typedef struct counts {
	size_t isut, isstd, leap, time, type, chars, size;
} counts;

static bool read_head(sot_str bytes, size_t at, size_t time_size, counts *ret)
{
	const uint8_t *p = (const uint8_t *)bytes.p + at;
	size_t n[6];

	if (bytes.n < at + HEADER || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	for (int k = 0; k < 6; k++) {
		int64_t v = big_endian(p + 20 + 4 * k, 4);
		if (v < 0 || v > CHANGES_MAX)
			return false;
		n[k] = (size_t)v;
	}
	*ret = (counts){
	    .isut = n[0], .isstd = n[1], .leap = n[2], .time = n[3], .type = n[4], .chars = n[5]};
	ret->size = ret->time * (time_size + 1) + ret->type * 6 + ret->chars +
	            ret->leap * (time_size + 4) + ret->isstd + ret->isut;
	return ret->type > 0 && bytes.n >= at + HEADER + ret->size;
}

static bool read_changes(time_zone *z, const uint8_t *p, const counts *c)
{
	const uint8_t *types = p + c->time * 8, *offsets = types + c->time;

	z->at = sot_alloc_array(c->time + 1, sizeof(*z->at));
	z->offset = sot_alloc_array(c->time + 1, sizeof(*z->offset));
	z->before = (int32_t)big_endian(offsets, 4);
	z->count = c->time;
	for (size_t k = 0; k < c->time; k++) {
		if (types[k] >= c->type)
			return false;
		z->at[k] = big_endian(p + k * 8, 8);
		z->offset[k] = (int32_t)big_endian(offsets + (size_t)types[k] * 6, 4);
		if (k > 0 && z->at[k] <= z->at[k - 1])
			return false;
	}
	return true;
}

static bool read_footer(time_zone *z, sot_str rest)
{
	char text[128];

	if (rest.n < 2 || rest.n > sizeof(text) || rest.p[0] != '\n' || rest.p[rest.n - 1] != '\n')
		return false;
	memcpy(text, rest.p + 1, rest.n - 2);
	text[rest.n - 2] = '\0';
	return !text[0] || footer(z, text);
}

time_zone *time_zone_parse(sot_str bytes, sot_err *err)
{
	counts first, second;
	size_t at;

	if (!read_head(bytes, 0, 4, &first) ||
	    !read_head(bytes, at = HEADER + first.size, 8, &second)) {
		(void)sot_fail(err, SOT_INVALID, "no TZif file with 64-bit times");
		return NULL;
	}
	time_zone *z = sot_alloc(sizeof(*z));
	size_t end = at + HEADER + second.size;
	if (read_changes(z, (const uint8_t *)bytes.p + at + HEADER, &second) &&
	    read_footer(z, (sot_str){bytes.p + end, bytes.n - end}))
		return z;
	(void)sot_fail(
	    err, SOT_INVALID, "the TZif file contradicts itself, or has a rule of an unknown form");
	return time_zone_free(z);
}

time_zone *time_zone_free(time_zone *z)
{
	if (!z)
		return NULL;
	free(z->at);
	free(z->offset);
	free(z);
	return NULL;
}

int32_t time_zone_offset_s(const time_zone *z, int64_t unix_s)
{
	if (!z)
		return 0;
	if (z->count == 0 || unix_s < z->at[0])
		return z->count == 0 && z->has_rule ? offset_by_rule(z, unix_s) : z->before;
	if (unix_s >= z->at[z->count - 1] && z->has_rule)
		return offset_by_rule(z, unix_s);
	size_t low = 0, high = z->count - 1; /* at[low] <= unix_s */
	while (low < high) {
		size_t middle = (low + high + 1) / 2;
		if (z->at[middle] <= unix_s)
			low = middle;
		else
			high = middle - 1;
	}
	return z->offset[low];
}
