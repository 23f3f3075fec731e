/* UUIDs: version 7 of RFC 9562, text form. */
#include "sot_uuid.h"

#include "sot_parse.h"

#include <string.h>

sot_uuid sot_uuid_v7(sot_wall now, const uint8_t entropy[static 16])
{
	sot_uuid u;
	uint64_t ms = (uint64_t)now.unix_ms;
	for (size_t i = 0; i < 6; i++)
		u.b[i] = (uint8_t)(ms >> (8 * (5 - i)));
	memcpy(u.b + 6, entropy, 10);
	u.b[6] = (uint8_t)(0x70u | (u.b[6] & 0x0fu));
	u.b[8] = (uint8_t)(0x80u | (u.b[8] & 0x3fu));
	return u;
}

bool sot_uuid_eq(sot_uuid a, sot_uuid b)
{
	return sot_uuid_cmp(a, b) == 0;
}

bool sot_uuid_is_zero(sot_uuid u)
{
	return sot_uuid_eq(u, (sot_uuid){{0}});
}

int sot_uuid_cmp(sot_uuid a, sot_uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b));
}

static bool is_dash_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

char *sot_uuid_format(sot_uuid u, char dst[static SOT_UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	size_t nibble = 0;
	for (size_t i = 0; i < SOT_UUID_TEXT - 1; i++) {
		if (is_dash_place(i)) {
			dst[i] = '-';
			continue;
		}
		uint8_t byte = u.b[nibble / 2];
		dst[i] = digits[nibble % 2 ? byte & 0x0fu : byte >> 4];
		nibble++;
	}
	dst[SOT_UUID_TEXT - 1] = '\0';
	return dst;
}

sot_code sot_uuid_parse(sot_str text, sot_uuid *ret, sot_err *err)
{
	char hex[32];
	size_t n = 0;
	bool good = text.n == SOT_UUID_TEXT - 1;
	for (size_t i = 0; good && i < text.n; i++) {
		if (!is_dash_place(i))
			hex[n++] = text.p[i];
		else
			good = text.p[i] == '-';
	}
	if (!good || sot_hex_decode((sot_str){hex, n}, ret->b, sizeof(ret->b), NULL) != SOT_OK)
		return sot_fail(err, SOT_INVALID, "\"%.*s\" is not a UUID (8-4-4-4-12 hex digits)",
		    text.n > 40 ? 40 : SOT_ARG(text));
	return SOT_OK;
}
