#include "preflight.h"

#include <string.h>

#include "sot_parse.h"

const char *preflight_severity_name(preflight_severity severity)
{
	static const char *const names[] = {"note", "warning", "error"};
	return (unsigned)severity < 3 ? names[severity] : "?";
}

sot_str preflight_fact(sot_str facts, const char *name)
{
	while (facts.n > 0) {
		sot_str value, line = sot_str_cut(facts, '\n', &facts);
		bool has_value = line.n > 0 && memchr(line.p, '=', line.n) != NULL;
		if (has_value && sot_str_eq_c(sot_str_cut(line, '=', &value), name))
			return value.n > 0 ? value : (sot_str){"", 0};
	}
	return (sot_str){0};
}

/* The number at the front, and what is behind it and a dot. */
static uint64_t part(sot_str *version)
{
	uint64_t n = 0;
	while (version->n > 0 && *version->p >= '0' && *version->p <= '9' && n < 1000000) {
		n = n * 10 + (uint64_t)(*version->p - '0');
		version->p++;
		version->n--;
	}
	bool is_dot = version->n > 0 && *version->p == '.';
	*version = is_dot ? (sot_str){version->p + 1, version->n - 1} : (sot_str){0};
	return n;
}

static bool is_older(sot_str a, sot_str b)
{
	while (a.n > 0 || b.n > 0) {
		uint64_t x = part(&a), y = part(&b);
		if (x != y)
			return x < y;
	}
	return false;
}

static bool is_below(sot_str seen, sot_str limit)
{
	uint64_t a = 0, b = 0;
	return sot_parse_u64(seen, 0, UINT64_MAX, &a, NULL) == SOT_OK &&
	       sot_parse_u64(limit, 0, UINT64_MAX, &b, NULL) == SOT_OK && a < b;
}

static bool has(sot_str list, sot_str word)
{
	while (list.n > 0)
		if (sot_str_eq(sot_str_cut(list, ',', &list), word))
			return true;
	return false;
}

static bool holds(preflight_test test, sot_str seen, sot_str value)
{
	if (!seen.p)
		return false;
	switch (test) {
	case PREFLIGHT_IS:
		return sot_str_eq(seen, value);
	case PREFLIGHT_IS_NOT:
		return !sot_str_eq(seen, value);
	case PREFLIGHT_BELOW:
		return is_below(seen, value);
	case PREFLIGHT_OLDER:
		return is_older(seen, value);
	case PREFLIGHT_LACKS:
		return !has(seen, value);
	case PREFLIGHT_AMONG:
		return has(value, seen);
	case PREFLIGHT_NOT_AMONG:
		return !has(value, seen);
	}
	return false;
}

static bool finds(const preflight_rule *r, sot_str facts, sot_str seen)
{
	const preflight_condition *also = &r->also;
	return holds(r->test, seen, sot_str_c(r->value)) &&
	       (!also->fact ||
	           holds(also->test, preflight_fact(facts, also->fact), sot_str_c(also->value)));
}

int preflight_judge(sot_str facts, preflight_fn fn, void *self)
{
	int worst = -1;
	for (int severity = PREFLIGHT_ERROR; severity >= PREFLIGHT_NOTE; severity--) {
		for (size_t i = 0; i < preflight_rule_count; i++) {
			const preflight_rule *r = &preflight_rules[i];
			sot_str seen = preflight_fact(facts, r->fact);
			if ((int)r->severity != severity || !finds(r, facts, seen))
				continue;
			worst = severity > worst ? severity : worst;
			fn(self, r, seen);
		}
	}
	return worst;
}

static void add_member(sot_buf *out, const char *before, sot_str value)
{
	sot_buf_add_c(out, before);
	sot_buf_add_json(out, value);
}

static void render(void *self, const preflight_rule *r, sot_str seen)
{
	sot_buf *out = self;
	add_member(out, out->n > 1 ? ",{\"id\":" : "{\"id\":", sot_str_c(r->id));
	add_member(out, ",\"severity\":", sot_str_c(preflight_severity_name(r->severity)));
	add_member(out, ",\"what\":", sot_str_c(r->what));
	add_member(out, ",\"why\":", sot_str_c(r->why));
	add_member(out, ",\"mend\":", sot_str_c(r->mend));
	add_member(out, ",\"seen\":", seen);
	sot_buf_add_c(out, "}");
}

void preflight_render_json(sot_str facts, sot_buf *out)
{
	sot_buf_add_c(out, "[");
	(void)preflight_judge(facts, render, out);
	sot_buf_add_c(out, "]");
}
