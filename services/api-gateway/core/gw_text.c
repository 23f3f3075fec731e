#include "gw_text.h"

#include "sot_parse.h"

#include <string.h>

void gw_copy_cut(sot_str s, char *dst, size_t size)
{
	if (s.n >= size)
		s.n = size - 1;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

sot_code gw_percent_decode(sot_str s, char *dst, size_t dst_size, size_t *ret_n, sot_err *err)
{
	size_t n = 0;
	if (s.n >= dst_size * 3)
		return sot_fail(err, SOT_LIMIT, "longer than %zu bytes", dst_size - 1);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return sot_fail(err, SOT_INVALID, "bad percent escape at byte %zu", i);
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (n + 1 >= dst_size)
			return sot_fail(err, SOT_LIMIT, "longer than %zu bytes", dst_size - 1);
		dst[n++] = c;
	}
	dst[n] = '\0';
	if (!sot_str_is_utf8((sot_str){dst, n}))
		return sot_fail(err, SOT_INVALID, "not UTF-8 without NUL");
	*ret_n = n;
	return SOT_OK;
}

static bool is_hex(sot_str s, size_t n)
{
	if (s.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (hex_digit(s.p[i]) < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
			return false;
	return true;
}

sot_code gw_bearer_parse(sot_str header, sot_str *ret_id, sot_str *ret_secret, sot_err *err)
{
	static const char prefix[] = "Bearer sot_";
	const size_t prefix_n = sizeof(prefix) - 1;
	sot_str rest = {0}, id;
	if (sot_str_starts(header, prefix))
		rest = (sot_str){header.p + prefix_n, header.n - prefix_n};
	id = sot_str_cut(rest, '_', &rest);
	if (!is_hex(id, GW_TOKEN_ID_N) || !is_hex(rest, GW_TOKEN_SECRET_N))
		return sot_fail(err, SOT_DENIED,
		    "the Authorization header is not 'Bearer sot_<id>_<secret>'; make a token with "
		    "sotalia-api-gateway --add-token");
	*ret_id = id;
	*ret_secret = rest;
	return SOT_OK;
}

static sot_str trimmed(sot_str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (sot_str){s.p + 1, s.n - 1};
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

sot_str gw_cookie(sot_str header, const char *name)
{
	sot_str found = {0};
	bool seen = false;
	while (header.n > 0) {
		sot_str value;
		sot_str pair = trimmed(sot_str_cut(header, ';', &header));
		sot_str key = sot_str_cut(pair, '=', &value);
		if (!sot_str_eq_c(key, name))
			continue;
		if (seen)
			return (sot_str){0};
		seen = true;
		found = value;
	}
	return found;
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void add_base64(sot_buf *out, sot_str s)
{
	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)(uint8_t)s.p[i] << 16;
		v |= left > 1 ? (uint32_t)(uint8_t)s.p[i + 1] << 8 : 0;
		v |= left > 2 ? (uint32_t)(uint8_t)s.p[i + 2] : 0;
		for (size_t k = 0; k < (left > 2 ? 4 : left + 1); k++)
			sot_buf_add_char(out, base64url[v >> (18 - 6 * k) & 63]);
	}
}

static bool base64_value(char c, uint32_t *ret)
{
	const char *at = c != '\0' ? strchr(base64url, c) : NULL;
	if (at == NULL)
		return false;
	*ret = (uint32_t)(at - base64url);
	return true;
}

static bool from_base64(sot_str s, char *dst, size_t dst_size, size_t *ret_n)
{
	uint32_t bits = 0, have = 0;
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		uint32_t value = 0;
		if (!base64_value(s.p[i], &value))
			return false;
		bits = bits << 6 | value;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n + 1 >= dst_size)
			return false;
		dst[n++] = (char)(bits >> have & 255);
	}
	dst[n] = '\0';
	*ret_n = n;
	return s.n % 4 != 1 && (bits & ((1u << have) - 1)) == 0;
}

void gw_page_encode(const char *list, sot_str key, sot_buf *out)
{
	sot_buf plain;
	sot_buf_init(&plain, 2 * GW_PAGE_KEY_MAX);
	sot_buf_printf(&plain, "1|%s|%.*s", list, SOT_ARG(key));
	add_base64(out, sot_buf_str(&plain));
	sot_buf_clear(&plain);
}

sot_code gw_page_decode(
    const char *list, sot_str token, char ret_key[GW_PAGE_KEY_MAX], sot_err *err)
{
	char plain[GW_PAGE_KEY_MAX + 64];
	size_t n = 0;
	sot_str rest = {0}, version, of_list;
	if (from_base64(token, plain, sizeof(plain), &n) && sot_str_is_utf8((sot_str){plain, n}))
		rest = (sot_str){plain, n};
	version = sot_str_cut(rest, '|', &rest);
	of_list = sot_str_cut(rest, '|', &rest);
	if (!sot_str_eq_c(version, "1") || !sot_str_eq_c(of_list, list) || rest.n == 0 ||
	    rest.n >= GW_PAGE_KEY_MAX)
		return sot_fail(err, SOT_INVALID,
		    "'after' is not a page token of this list; take it from 'next' of the page before");
	return sot_str_copy(rest, ret_key, GW_PAGE_KEY_MAX, err);
}

sot_code gw_cursor_parse(
    sot_str text, bool *ret_has_stream, sot_uuid *ret_stream, uint64_t *ret_number, sot_err *err)
{
	sot_str number, head = sot_str_cut(text, '.', &number);
	sot_uuid stream = {0};
	uint64_t value = 0;
	bool has_stream = memchr(text.p != NULL ? text.p : "", '.', text.n) != NULL;
	if (has_stream && sot_uuid_parse(head, &stream, err) != SOT_OK)
		return sot_fail(err, SOT_INVALID, "the event position is not '<stream>.<number>'");
	if (sot_parse_u64(has_stream ? number : text, 0, INT64_MAX, &value, NULL) != SOT_OK)
		return sot_fail(
		    err, SOT_INVALID, "the event position is not '<stream>.<number>' or a number from 0");
	*ret_has_stream = has_stream;
	*ret_stream = stream;
	*ret_number = value;
	return SOT_OK;
}

sot_code gw_range_parse(
    sot_str header, uint64_t size, uint64_t *ret_first, uint64_t *ret_count, sot_err *err)
{
	sot_str last_text, first_text, spec = header;
	uint64_t first = 0, last = 0;
	if (!sot_str_starts(header, "bytes=") || memchr(header.p, ',', header.n) != NULL)
		return sot_fail(err, SOT_NOT_FOUND, "not one byte range");
	(void)sot_str_cut(spec, '=', &spec);
	first_text = sot_str_cut(spec, '-', &last_text);
	if (first_text.n == 0) {
		if (sot_parse_u64(last_text, 0, UINT64_MAX, &last, NULL) != SOT_OK)
			return sot_fail(err, SOT_NOT_FOUND, "not a byte range");
		if (last == 0 || size == 0)
			return sot_fail(err, SOT_LIMIT, "an empty range");
		*ret_first = last >= size ? 0 : size - last;
		*ret_count = size - *ret_first;
		return SOT_OK;
	}
	if (sot_parse_u64(first_text, 0, UINT64_MAX, &first, NULL) != SOT_OK ||
	    (last_text.n > 0 && sot_parse_u64(last_text, first, UINT64_MAX, &last, NULL) != SOT_OK))
		return sot_fail(err, SOT_NOT_FOUND, "not a byte range");
	if (first >= size)
		return sot_fail(err, SOT_LIMIT, "the range begins at %llu of %llu bytes",
		    (unsigned long long)first, (unsigned long long)size);
	if (last_text.n == 0 || last >= size)
		last = size - 1;
	*ret_first = first;
	*ret_count = last - first + 1;
	return SOT_OK;
}

sot_code gw_duration_parse(sot_str text, int64_t max_ms, int64_t *ret_ms, sot_err *err)
{
	static const struct {
		const char *suffix;
		size_t n;
		int64_t ms;
	} units[] = {{"ms", 2, 1}, {"s", 1, 1000}, {"m", 1, 60000}, {"", 0, 1000}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t value = 0;
		sot_str number = text;
		if (text.n < units[i].n ||
		    memcmp(text.p + text.n - units[i].n, units[i].suffix, units[i].n) != 0)
			continue;
		number.n -= units[i].n;
		if (sot_parse_u64(number, 0, (uint64_t)(max_ms / units[i].ms), &value, NULL) != SOT_OK)
			continue;
		*ret_ms = (int64_t)value * units[i].ms;
		return SOT_OK;
	}
	return sot_fail(err, SOT_INVALID, "a duration such as 30s, 500ms or 2m, at most %lld s",
	    (long long)(max_ms / 1000));
}

bool gw_is_version(sot_str s)
{
	if (s.n == 0 || s.n > 64 || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		        (c != '\0' && strchr("._+-", c) != NULL)))
			return false;
	}
	return true;
}

bool gw_is_file_name(sot_str s)
{
	if (s.n == 0 || s.n > 200 || !sot_str_is_utf8(s) || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f || s.p[i] == '/' || s.p[i] == '\\')
			return false;
	return true;
}
