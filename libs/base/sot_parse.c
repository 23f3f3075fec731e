/* Strict text to value: numbers, booleans, sizes, hex, labels. */
#include "sot_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Texts are quoted in errors, but not at any length. */
#define QUOTED(s) (s).n > 40 ? 40 : (int)(s).n, (s).p ? (s).p : ""

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Only digits, no sign, no space; false on overflow too. */
static bool read_digits(sot_str s, uint64_t *ret)
{
	uint64_t value = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
			return false;
	}
	*ret = value;
	return true;
}

sot_code sot_parse_u64(sot_str s, uint64_t lo, uint64_t hi, uint64_t *ret, sot_err *err)
{
	uint64_t value;
	if (!read_digits(s, &value) || value < lo || value > hi)
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not a whole number from %" PRIu64 " to %" PRIu64, QUOTED(s), lo, hi);
	*ret = value;
	return SOT_OK;
}

sot_code sot_parse_i64(sot_str s, int64_t lo, int64_t hi, int64_t *ret, sot_err *err)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	sot_str digits = negative ? (sot_str){s.p + 1, s.n - 1} : s;
	uint64_t size = 0;
	uint64_t size_max = (uint64_t)INT64_MAX + (negative ? 1u : 0u);
	bool good = read_digits(digits, &size) && size <= size_max;
	int64_t value = 0;
	if (good && negative && size)
		value = -(int64_t)(size - 1) - 1; /* reaches INT64_MIN without overflow */
	else if (good)
		value = (int64_t)size;
	if (!good || value < lo || value > hi)
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not a whole number from %" PRId64 " to %" PRId64, QUOTED(s), lo, hi);
	*ret = value;
	return SOT_OK;
}

sot_code sot_parse_double(sot_str s, double *ret, sot_err *err)
{
	char text[64];
	bool good = s.n > 0 && s.n < sizeof(text);
	for (size_t i = 0; good && i < s.n; i++)
		good = is_digit(s.p[i]) || (s.p[i] != '\0' && strchr("+-.eE", s.p[i]) != NULL);
	char *end = text;
	double value = 0;
	if (good) {
		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
		value = strtod(text, &end);
		good = *end == '\0' && end != text && isfinite(value);
	}
	if (!good)
		return sot_fail(err, SOT_INVALID, "\"%.*s\" is not a finite number", QUOTED(s));
	*ret = value;
	return SOT_OK;
}

sot_code sot_parse_bool(sot_str s, bool *ret, sot_err *err)
{
	static const char *const words[] = {"false", "true", "off", "on", "no", "yes"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (sot_str_eq_c(s, words[i])) {
			*ret = i % 2 == 1;
			return SOT_OK;
		}
	}
	return sot_fail(
	    err, SOT_INVALID, "\"%.*s\" is not one of true, false, on, off, yes, no", QUOTED(s));
}

sot_code sot_parse_size(sot_str s, uint64_t *ret_bytes, sot_err *err)
{
	static const char units[] = "kmgt";
	unsigned shift = 0;
	sot_str digits = s;
	const char *unit = s.n && s.p[s.n - 1] ? strchr(units, s.p[s.n - 1] | 0x20) : NULL;
	if (unit) {
		shift = 10u * (unsigned)(unit - units + 1);
		digits.n--;
	}
	uint64_t value;
	if (!read_digits(digits, &value) || value > UINT64_MAX >> shift)
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not a size: a number of bytes, or a number with k, m, g or t", QUOTED(s));
	*ret_bytes = value << shift;
	return SOT_OK;
}

void sot_hex_encode(const void *p, size_t n, char *dst)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = p;
	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[bytes[i] >> 4];
		dst[2 * i + 1] = digits[bytes[i] & 0x0fu];
	}
	dst[2 * n] = '\0';
}

/* 1 more than the digit's value, 0 for what is none: a take-over reads a million of them. */
static const uint8_t hex_value[256] = {
    ['0'] = 1,
    ['1'] = 2,
    ['2'] = 3,
    ['3'] = 4,
    ['4'] = 5,
    ['5'] = 6,
    ['6'] = 7,
    ['7'] = 8,
    ['8'] = 9,
    ['9'] = 10,
    ['a'] = 11,
    ['b'] = 12,
    ['c'] = 13,
    ['d'] = 14,
    ['e'] = 15,
    ['f'] = 16,
    ['A'] = 11,
    ['B'] = 12,
    ['C'] = 13,
    ['D'] = 14,
    ['E'] = 15,
    ['F'] = 16,
};

int sot_hex_digit(char c)
{
	return hex_value[(uint8_t)c] - 1;
}

sot_code sot_hex_decode(sot_str s, void *dst, size_t dst_n, sot_err *err)
{
	if (s.n != 2 * dst_n)
		return sot_fail(err, SOT_INVALID, "%zu hex digits, not %zu", s.n, 2 * dst_n);
	for (size_t i = 0; i < s.n; i++)
		if (hex_value[(uint8_t)s.p[i]] == 0)
			return sot_fail(err, SOT_INVALID, "character %zu is not a hex digit", i + 1);
	uint8_t *bytes = dst;
	for (size_t i = 0; i < dst_n; i++)
		bytes[i] = (uint8_t)((hex_value[(uint8_t)s.p[2 * i]] - 1) * 16 +
		                     hex_value[(uint8_t)s.p[2 * i + 1]] - 1);
	return SOT_OK;
}

bool sot_is_label(sot_str s, size_t max)
{
	if (s.n == 0 || s.n > max || s.p[s.n - 1] == '-' || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!is_digit(c) && (c < 'a' || c > 'z') && c != '-')
			return false;
	}
	return true;
}

/* ---- time ---- */
/* The day's number since 1970-01-01, of the proleptic Gregorian calendar (Howard Hinnant,
 * "chrono-compatible low-level date algorithms", days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, in_era = y % 400;
	int64_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int64_t month_days(int64_t year, int64_t month)
{
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 ? (is_leap ? 29 : 28)
	                  : (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31);
}

/* Digits of `shape` are numbers, its other characters stand for themselves. */
static bool fits_shape(sot_str s, const char *shape)
{
	for (size_t i = 0; shape[i] != '\0'; i++) {
		bool is_digit = i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
		if (i >= s.n || (shape[i] == '0' ? !is_digit : s.p[i] != shape[i]))
			return false;
	}
	return true;
}

static int64_t number_at(sot_str s, size_t at, size_t n)
{
	int64_t value = 0;
	for (size_t i = at; i < at + n; i++)
		value = value * 10 + (s.p[i] - '0');
	return value;
}

sot_code sot_parse_time_ns(sot_str s, uint64_t *ret_unix_ns, sot_err *err)
{
	static const char shape[] = "0000-00-00T00:00:00";
	const size_t head = sizeof(shape) - 1;
	sot_str rest = s.n > head ? (sot_str){s.p + head, s.n - head} : (sot_str){0};
	uint64_t ns = 0, unit = 100000000;
	bool fits = fits_shape(s, shape) && rest.n >= 1 && rest.p[rest.n - 1] == 'Z' &&
	            (rest.n == 1 || (rest.p[0] == '.' && rest.n >= 3 && rest.n <= 11));
	for (size_t i = 1; fits && i + 1 < rest.n; i++, unit /= 10) {
		fits = rest.p[i] >= '0' && rest.p[i] <= '9';
		ns += (uint64_t)(rest.p[i] - '0') * unit;
	}
	if (fits) {
		int64_t year = number_at(s, 0, 4), month = number_at(s, 5, 2), day = number_at(s, 8, 2);
		int64_t hour = number_at(s, 11, 2), minute = number_at(s, 14, 2),
		        second = number_at(s, 17, 2);
		if (year >= 1970 && year < 2200 && month >= 1 && month <= 12 && day >= 1 &&
		    day <= month_days(year, month) && hour < 24 && minute < 60 && second < 60) {
			int64_t seconds =
			    days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
			*ret_unix_ns = (uint64_t)seconds * 1000000000u + ns;
			return SOT_OK;
		}
	}
	return sot_fail(err, SOT_INVALID,
	    "'%.*s' is not a time of RFC 3339 in UTC such as 2026-11-22T08:49:33.120Z",
	    (int)(s.n < 64 ? s.n : 64), s.p != NULL ? s.p : "");
}
