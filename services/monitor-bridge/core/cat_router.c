#include "cat_router.h"

#include "sot_parse.h"

#include <string.h>

#define VALUE_MAX 1024

typedef struct property_text {
	char s[VALUE_MAX];
	size_t n;
} property_text;
/* Looks `key` up in one form; false when it is not there. */
typedef bool (*lookup_fn)(sot_str body, const char *key, property_text *ret);

static sot_str skip_blanks(sot_str s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t' || *s.p == '\r' || *s.p == '\n'))
		s = (sot_str){s.p + 1, s.n - 1};
	return s;
}

static sot_str trim(sot_str s)
{
	s = skip_blanks(s);
	while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

/* What follows the first `mark`; empty with p == NULL when there is none. */
static sot_str after(sot_str s, const char *mark)
{
	size_t n = strlen(mark);
	for (size_t i = 0; i + n <= s.n; i++) {
		if (memcmp(s.p + i, mark, n) == 0)
			return (sot_str){s.p + i + n, s.n - i - n};
	}
	return (sot_str){NULL, 0};
}

static bool keep(property_text *ret, sot_str value)
{
	if (value.n >= sizeof(ret->s))
		return false;
	if (value.n > 0)
		memcpy(ret->s, value.p, value.n);
	ret->s[value.n] = '\0';
	ret->n = value.n;
	return true;
}

/* Reads the string literal that `s` begins with; returns how many bytes it takes, 0 when it does
 * not end or is too long. An escaped character stands for itself: \" \\ and \/ are all that occur.
 */
static size_t read_json_string(sot_str s, property_text *ret)
{
	ret->n = 0;
	for (size_t i = 1; i < s.n && ret->n + 1 < sizeof(ret->s); i++) {
		if (s.p[i] == '"') {
			ret->s[ret->n] = '\0';
			return i + 1;
		}
		if (s.p[i] == '\\')
			i++;
		if (i < s.n)
			ret->s[ret->n++] = s.p[i];
	}
	return 0;
}

static sot_str skip(sot_str s, size_t n)
{
	return (sot_str){s.p + n, s.n - n};
}

static bool json_lookup(sot_str body, const char *key, property_text *ret)
{
	property_text word;
	while (body.n > 0) {
		if (*body.p != '"') {
			body = skip(body, 1);
			continue;
		}
		size_t used = read_json_string(body, &word);
		if (used == 0)
			return false;
		body = skip_blanks(skip(body, used));
		if (body.n == 0 || *body.p != ':')
			continue; /* it was a value */
		body = skip_blanks(skip(body, 1));
		if (strcmp(word.s, key) == 0)
			return body.n > 0 && *body.p == '"' && read_json_string(body, ret) > 0;
	}
	return false;
}

/* The value of attribute `name="..."` within one element. */
static bool xml_attribute(sot_str element, const char *name, property_text *ret)
{
	sot_str rest = after(element, name);
	sot_str tail;
	if (!rest.p || rest.n < 2 || rest.p[0] != '=' || (rest.p[1] != '"' && rest.p[1] != '\''))
		return false;
	char quote = rest.p[1];
	sot_str text = {rest.p + 2, rest.n - 2};
	sot_str value = sot_str_cut(text, quote, &tail);
	return value.n < text.n && keep(ret, value);
}

static bool xml_lookup(sot_str body, const char *key, property_text *ret)
{
	sot_str rest = body;
	property_text id;
	while ((rest = after(rest, "<property ")).p) {
		sot_str tail;
		sot_str element = sot_str_cut(rest, '>', &tail);
		if (xml_attribute(element, "id", &id) && strcmp(id.s, key) == 0)
			return xml_attribute(element, "value", ret);
	}
	return false;
}

static bool map_lookup(sot_str body, const char *key, property_text *ret)
{
	sot_str rest = {body.p + 1, body.n - 1}; /* behind '{' */
	while (rest.n > 0) {
		sot_str value;
		sot_str pair = trim(sot_str_cut(rest, ',', &rest));
		sot_str name = sot_str_cut(pair, '=', &value);
		if (!sot_str_eq_c(name, key))
			continue;
		if (value.n > 0 && value.p[value.n - 1] == '}')
			value.n--;
		return keep(ret, value);
	}
	return false;
}

static sot_code read_server(sot_str text, cat_server *ret, sot_err *err)
{
	sot_str port_text;
	uint64_t port = CAT_PORT;
	sot_str address = sot_str_cut(text, ':', &port_text);
	if (sot_parse_ipv4(address, &ret->address, err) != SOT_OK)
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not a CAT server: write IPv4 addresses, with or without :port",
		    SOT_ARG(text));
	if (address.n < text.n && sot_parse_u64(port_text, 1, 65535, &port, err) != SOT_OK)
		return sot_fail(
		    err, SOT_INVALID, "port of CAT server \"%.*s\" is not 1..65535", SOT_ARG(text));
	ret->port = (uint16_t)port;
	return SOT_OK;
}

sot_code cat_server_list_parse(sot_str text, cat_server_list *ret, sot_err *err)
{
	cat_server_list list = {.count = 0};
	while (text.n > 0) {
		size_t end = 0;
		while (end < text.n && text.p[end] != ';' && text.p[end] != ',')
			end++;
		sot_str item = trim((sot_str){text.p, end});
		size_t used = end < text.n ? end + 1 : end;
		text = (sot_str){text.p + used, text.n - used};
		if (item.n == 0)
			continue;
		if (list.count == CAT_SERVERS_MAX)
			return sot_fail(err, SOT_LIMIT, "more than %d CAT servers", CAT_SERVERS_MAX);
		sot_code code = read_server(item, &list.items[list.count], err);
		if (code != SOT_OK)
			return code;
		list.count++;
	}
	*ret = list;
	return SOT_OK;
}

bool cat_server_list_eq(const cat_server_list *a, const cat_server_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->items[i].address != b->items[i].address || a->items[i].port != b->items[i].port)
			return false;
	}
	return true;
}

static lookup_fn form_of(sot_str body, bool *ret_is_4x)
{
	*ret_is_4x = false;
	if (body.n > 0 && *body.p == '<')
		return xml_lookup;
	if (body.n == 0 || *body.p != '{')
		return NULL; /* plain text */
	sot_str inner = skip_blanks((sot_str){body.p + 1, body.n - 1});
	if (inner.n > 0 && *inner.p == '"')
		return json_lookup;
	*ret_is_4x = true;
	return map_lookup;
}

sot_code cat_router_parse(sot_str body, cat_router_answer *ret, sot_err *err)
{
	cat_router_answer answer = {.sample = 1.0};
	property_text routers = {.n = 0}, text;
	body = trim(body);
	lookup_fn lookup = form_of(body, &answer.is_4x);
	if (!lookup && !keep(&routers, body))
		return sot_fail(err, SOT_INVALID, "router answer of %zu bytes is too long", body.n);
	if (lookup) {
		if (lookup(body, "block", &text))
			answer.block = strcmp(text.s, "true") == 0;
		if (lookup(body, "sample", &text) &&
		    (sot_parse_double((sot_str){text.s, text.n}, &answer.sample, NULL) != SOT_OK ||
		        answer.sample < 0 || answer.sample > 1))
			answer.sample = 1.0;
		if (!lookup(body, "routers", &routers) && !answer.block)
			return sot_fail(err, SOT_INVALID, "router answer names no routers");
	}
	sot_code code = cat_server_list_parse((sot_str){routers.s, routers.n}, &answer.servers, err);
	if (code != SOT_OK) {
		(void)sot_wrap(err, "router answer");
		return code;
	}
	if (answer.servers.count == 0 && !answer.block)
		return sot_fail(err, SOT_INVALID, "router answer holds no server");
	*ret = answer;
	return SOT_OK;
}
