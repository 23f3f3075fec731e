#include "cat_text.h"

static bool fits_name(char c)
{
	return c >= 0x20 && c < 0x7f && c != ';';
}

static bool fits_id(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c == '.' || c == '_' || c == ' ' || c == '/' || c == '-';
}

static sot_str clean(sot_str s, char *scratch, uint64_t *repaired, bool (*fits)(char), char filler)
{
	size_t bad = 0;
	while (bad < s.n && fits(s.p[bad]))
		bad++;
	if (bad == s.n && s.n <= CAT_NAME_MAX)
		return s;
	(*repaired)++;
	size_t n = s.n <= CAT_NAME_MAX ? s.n : CAT_NAME_MAX;
	for (size_t i = 0; i < n; i++)
		scratch[i] = fits(s.p[i]) ? s.p[i] : filler;
	return (sot_str){scratch, n};
}

sot_str cat_clean_name(sot_str s, char scratch[static CAT_NAME_MAX], uint64_t *repaired)
{
	return clean(s, scratch, repaired, fits_name, '.');
}

sot_str cat_clean_id(sot_str s, char scratch[static CAT_NAME_MAX], uint64_t *repaired)
{
	return clean(s, scratch, repaired, fits_id, '_');
}
