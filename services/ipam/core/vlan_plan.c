#include "vlan_plan.h"

#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

#define SCOPE_EXAMPLE "scopes look like \"az:a\", \"rack:r12\" or \"host:h7\""

bool vlan_zone_is_good(sot_str zone)
{
	if (zone.n > VLAN_ZONE_MAX)
		return false;
	size_t label = 0;
	for (size_t i = 0; i < zone.n; i++) {
		char c = zone.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
		bool ends = i + 1 == zone.n || zone.p[i + 1] == '.';
		if (c == '.' ? label == 0 : !(word || (c == '-' && label > 0 && !ends)))
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return zone.n == 0 || label > 0;
}

static bool is_name_or_none(sot_str s)
{
	return s.n == 0 || sot_is_label(s, VLAN_NAME_MAX);
}

sot_code vlan_plan_check(const vlan_plan *plan, const char **ret_pointer, sot_err *err)
{
	static const char shape[] = "is not 1 to 32 of a-z, 0-9 and -, beginning with a letter";
	*ret_pointer = "/name";
	if (!sot_is_label(plan->name, VLAN_NAME_MAX))
		return sot_fail(err, SOT_INVALID, "the name \"%.*s\" %s", SOT_ARG(plan->name), shape);
	*ret_pointer = "/vlanId";
	if (plan->vlan_id > VLAN_ID_MAX)
		return sot_fail(err, SOT_INVALID, "the VLAN id %u is not in 0..4094", plan->vlan_id);
	*ret_pointer = "/vrf";
	if (!is_name_or_none(plan->vrf))
		return sot_fail(err, SOT_INVALID, "the VRF \"%.*s\" %s", SOT_ARG(plan->vrf), shape);
	*ret_pointer = "/group";
	if (!is_name_or_none(plan->group))
		return sot_fail(err, SOT_INVALID, "the group \"%.*s\" %s", SOT_ARG(plan->group), shape);
	*ret_pointer = "/mtu";
	if (plan->mtu != 0 && (plan->mtu < VLAN_MTU_MIN || plan->mtu > VLAN_MTU_MAX))
		return sot_fail(err, SOT_INVALID,
		    "the MTU %u is neither 0 (as the uplink) nor in 1280..9216", plan->mtu);
	*ret_pointer = "/dnsZone";
	if (!vlan_zone_is_good(plan->dns_zone))
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not a DNS zone such as front.example.net (lower case, no dot at the end)",
		    SOT_ARG(plan->dns_zone));
	*ret_pointer = "/description";
	if (plan->description.n > VLAN_DESCRIPTION_MAX)
		return sot_fail(
		    err, SOT_INVALID, "a description has at most 200 bytes, not %zu", plan->description.n);
	*ret_pointer = "";
	return SOT_OK;
}

/* ---- scopes ---- */

static sot_code check_scope(sot_str word, sot_err *err)
{
	sot_str name;
	sot_str kind = sot_str_cut(word, ':', &name);
	if (!sot_str_eq_c(kind, "az") && !sot_str_eq_c(kind, "rack") && !sot_str_eq_c(kind, "host"))
		return sot_fail(err, SOT_INVALID, "\"%.*s\" is not a scope; " SCOPE_EXAMPLE, SOT_ARG(word));
	bool good = name.n >= 1 && name.n <= VLAN_SCOPE_NAME_MAX;
	for (size_t i = 0; good && i < name.n; i++) {
		char c = name.p[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		       c == '.' || c == '_' || c == '-';
	}
	return good ? SOT_OK
	            : sot_fail(err, SOT_INVALID,
	                  "\"%.*s\" does not name a place: 1 to 63 letters, digits, '.', '_' or '-'",
	                  SOT_ARG(word));
}

/* The next word, advancing `rest`; empty at the end. */
static sot_str next_word(sot_str *rest)
{
	sot_str word = {0};
	while (word.n == 0 && rest->n > 0)
		word = sot_str_cut(*rest, ' ', rest);
	return word;
}

static int compare_words(const void *a, const void *b)
{
	const sot_str *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = memcmp(x->p, y->p, n);
	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static sot_code join(
    const sot_str *words, size_t count, sot_arena *arena, sot_str *ret, sot_err *err)
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && sot_str_eq(words[i], words[i - 1]))
			return sot_fail(
			    err, SOT_INVALID, "the scope \"%.*s\" stands there twice", SOT_ARG(words[i]));
		size += words[i].n + 1;
	}
	char *text = sot_arena_alloc(arena, size + 1);
	if (!text)
		return sot_fail(err, SOT_LIMIT, "no room for %zu scopes", count);
	size_t n = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text[n++] = ' ';
		memcpy(text + n, words[i].p, words[i].n);
		n += words[i].n;
	}
	*ret = (sot_str){text, n};
	return SOT_OK;
}

sot_code vlan_scopes_read(sot_str words, sot_arena *arena, sot_str *ret, sot_err *err)
{
	sot_str found[VLAN_SCOPES_MAX], rest = words;
	size_t count = 0;
	for (sot_str word = next_word(&rest); word.n > 0; word = next_word(&rest)) {
		sot_code code = check_scope(word, err);
		if (code != SOT_OK)
			return code;
		if (count == VLAN_SCOPES_MAX)
			return sot_fail(err, SOT_LIMIT, "more than %d scopes", VLAN_SCOPES_MAX);
		found[count++] = word;
	}
	if (count == 0) {
		*ret = (sot_str){"", 0};
		return SOT_OK;
	}
	qsort(found, count, sizeof(found[0]), compare_words);
	return join(found, count, arena, ret, err);
}

bool vlan_scopes_meet(sot_str a, sot_str b)
{
	if (a.n == 0 || b.n == 0)
		return true;
	for (sot_str x = next_word(&a); x.n > 0; x = next_word(&a)) {
		sot_str rest = b;
		for (sot_str y = next_word(&rest); y.n > 0; y = next_word(&rest)) {
			if (sot_str_eq(x, y))
				return true;
		}
	}
	return false;
}
