#include "gw_json.h"

#include "gw_json_scan.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <string.h>

typedef struct place { /* of the value being checked, as a list from the inside out */
	const struct place *parent;
	const char *key; /* NULL: an index */
	size_t index;
} place;

static size_t write_place(const place *p, char *dst, size_t size)
{
	size_t n = 0;
	int more;
	if (p == NULL)
		return 0;
	n = write_place(p->parent, dst, size);
	more = p->key != NULL ? snprintf(dst + n, size - n, "/%s", p->key)
	                      : snprintf(dst + n, size - n, "/%zu", p->index);
	if (more < 0 || (size_t)more >= size - n)
		return size - 1;
	return n + (size_t)more;
}

static void report(gw_json_errors *errors, const place *at, const char *fmt, ...) SOT_PRINTF(3, 4);
static void report(gw_json_errors *errors, const place *at, const char *fmt, ...)
{
	va_list args;
	gw_json_error *e;
	if (errors->count == GW_JSON_ERRORS_MAX)
		return;
	e = &errors->items[errors->count++];
	e->pointer[0] = '\0';
	(void)write_place(at, e->pointer, sizeof(e->pointer));
	va_start(args, fmt);
	(void)vsnprintf(e->detail, sizeof(e->detail), fmt, args);
	va_end(args);
}

static bool is_word(const char *words, sot_str value)
{
	sot_str rest = sot_str_c(words);
	while (rest.n > 0) {
		sot_str word = sot_str_cut(rest, ' ', &rest);
		if (word.n == value.n && memcmp(word.p, value.p, value.n) == 0)
			return true;
	}
	return false;
}

static bool has_control(sot_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			return true;
	}
	return false;
}

static void check_text(const gw_field *f, const json_t *v, const place *at, int64_t min,
    int64_t max, gw_json_errors *errors)
{
	sot_str s;
	if (!json_is_string(v)) {
		report(errors, at, "must be a text");
		return;
	}
	s = (sot_str){json_string_value(v), json_string_length(v)};
	if ((int64_t)s.n < min || (int64_t)s.n > max)
		report(errors, at, "has %zu bytes, allowed are %" PRId64 " to %" PRId64, s.n, min, max);
	else if (f->kind == GW_LABEL && !sot_is_label(s, (size_t)max))
		report(errors, at, "must be a name of a-z, 0-9 and '-' that begins with a letter");
	else if (f->words != NULL && !is_word(f->words, s))
		report(errors, at, "must be one of: %s", f->words);
	else if (has_control(s))
		report(errors, at, "has a control character");
}

static void check_int(const gw_field *f, const json_t *v, const place *at, gw_json_errors *errors)
{
	if (!json_is_integer(v))
		report(errors, at, "must be a whole number from %" PRId64 " to %" PRId64, f->min, f->max);
	else if (json_integer_value(v) < f->min || json_integer_value(v) > f->max)
		report(errors, at, "is %" JSON_INTEGER_FORMAT ", allowed is %" PRId64 " to %" PRId64,
		    json_integer_value(v), f->min, f->max);
}

/* "apps.example.com", without a dot at the end; "" for none. */
static bool is_zone(sot_str s)
{
	sot_str rest = s;
	if (s.n > 200 || (s.n > 0 && s.p[s.n - 1] == '.'))
		return false;
	while (rest.n > 0) {
		sot_str label = sot_str_cut(rest, '.', &rest);
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++) {
			char c = label.p[i];
			if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_')
				return false;
		}
	}
	return true;
}

/* What is wrong with a text of a network kind; NULL: nothing. */
static const char *network_fault(gw_kind kind, sot_str s, sot_err *err)
{
	sot_ip ip;
	uint8_t prefix, mac[6];
	switch (kind) {
	case GW_CIDR:
		return sot_ip_parse_cidr(s, &ip, &prefix, err) == SOT_OK ? NULL : err->text;
	case GW_MAC:
		return sot_parse_mac(s, mac, NULL) == SOT_OK ? NULL
		                                             : "must be a MAC such as 02:0a:0a:42:00:02";
	case GW_ZONE:
		return is_zone(s) ? NULL
		                  : "must be a DNS name of small letters, digits, '-' and '_', such as "
		                    "apps.example.com";
	default:
		return sot_ip_parse(s, &ip, NULL) == SOT_OK
		           ? NULL
		           : "must be an address such as 10.66.0.1 or 2001:db8::1";
	}
}

static void check_network(gw_kind kind, const json_t *v, const place *at, gw_json_errors *errors)
{
	sot_err err = {0};
	const char *fault;
	if (!json_is_string(v)) {
		report(errors, at, "must be a text");
		return;
	}
	fault = network_fault(kind, (sot_str){json_string_value(v), json_string_length(v)}, &err);
	if (fault != NULL)
		report(errors, at, "%s", fault);
}

static void check_object(const gw_field *fields, size_t count, const json_t *object,
    const place *at, gw_json_errors *errors);

static void check_list(const gw_field *f, const json_t *v, const place *at, gw_json_errors *errors)
{
	if (!json_is_array(v)) {
		report(errors, at, "must be a list");
		return;
	}
	if ((int64_t)json_array_size(v) < f->min || (int64_t)json_array_size(v) > f->max) {
		report(errors, at, "has %zu items, allowed are %" PRId64 " to %" PRId64, json_array_size(v),
		    f->min, f->max);
		return;
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		place item = {.parent = at, .index = i};
		if (f->kind == GW_OBJECTS)
			check_object(f->fields, f->field_count, json_array_get(v, i), &item, errors);
		else if (f->kind == GW_IPS)
			check_network(GW_IP, json_array_get(v, i), &item, errors);
		else
			check_text(f, json_array_get(v, i), &item, 1, f->item_max, errors);
	}
}

static void check_field(const gw_field *f, const json_t *v, const place *at, gw_json_errors *errors)
{
	switch (f->kind) {
	case GW_TEXT:
	case GW_LABEL:
		check_text(f, v, at, f->min, f->max, errors);
		break;
	case GW_INT:
		check_int(f, v, at, errors);
		break;
	case GW_BOOL:
		if (!json_is_boolean(v))
			report(errors, at, "must be true or false");
		break;
	case GW_IP:
	case GW_CIDR:
	case GW_MAC:
	case GW_ZONE:
		check_network(f->kind, v, at, errors);
		break;
	case GW_OBJECT:
		check_object(f->fields, f->field_count, v, at, errors);
		break;
	case GW_OBJECTS:
	case GW_TEXTS:
	case GW_IPS:
		check_list(f, v, at, errors);
		break;
	}
}

static const gw_field *find_field(const gw_field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static void check_object(const gw_field *fields, size_t count, const json_t *object,
    const place *at, gw_json_errors *errors)
{
	void *it;
	if (!json_is_object(object)) {
		report(errors, at, "must be an object");
		return;
	}
	it = json_object_iter((json_t *)(uintptr_t)object);
	for (; it != NULL; it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
		const char *name = json_object_iter_key(it);
		const gw_field *f = find_field(fields, count, name);
		place here = {.parent = at, .key = name};
		if (f == NULL)
			report(errors, &here, "is not a field of this request");
		else
			check_field(f, json_object_iter_value(it), &here, errors);
	}
	for (size_t i = 0; i < count; i++) {
		place here = {.parent = at, .key = fields[i].name};
		if (fields[i].required && json_object_get(object, fields[i].name) == NULL)
			report(errors, &here, "is missing");
	}
}

static void report_syntax(sot_str body, const json_error_t *why, gw_json_errors *errors)
{
	gw_json_error *e = &errors->items[errors->count++];
	gw_json_pointer_at(body, why->position > 0 ? (size_t)why->position : 0, e->pointer);
	(void)snprintf(e->detail, sizeof(e->detail), "not valid JSON at line %d, column %d: %.*s",
	    why->line, why->column, 160, why->text);
}

static json_t *parse(sot_str body, gw_json_errors *errors)
{
	json_error_t why = {0};
	json_t *document = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &why);
	/* A whole number that no integer holds is read as a fraction, so that the check below can name
	 * its field and its bounds. */
	if (document == NULL && json_error_code(&why) == json_error_numeric_overflow)
		document =
		    json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &why);
	if (document == NULL)
		report_syntax(body, &why, errors);
	return document;
}

sot_code gw_json_read(
    sot_str body, const gw_field *fields, size_t field_count, json_t **ret, gw_json_errors *errors)
{
	json_t *document;
	errors->count = 0;
	if (body.n == 0) {
		report(errors, NULL, "the body is empty; a JSON object is expected");
		return SOT_INVALID;
	}
	if (gw_json_precheck(body, &errors->items[0]) != SOT_OK) {
		errors->count = 1;
		return SOT_INVALID;
	}
	document = parse(body, errors);
	if (document == NULL)
		return SOT_INVALID;
	check_object(fields, field_count, document, NULL, errors);
	if (errors->count > 0) {
		json_decref(document);
		return SOT_INVALID;
	}
	*ret = document;
	return SOT_OK;
}

sot_str gw_json_text(const json_t *object, const char *name)
{
	const json_t *v = json_object_get(object, name);
	return v == NULL ? (sot_str){0} : (sot_str){json_string_value(v), json_string_length(v)};
}

int64_t gw_json_int(const json_t *object, const char *name, int64_t absent)
{
	const json_t *v = json_object_get(object, name);
	return v == NULL ? absent : json_integer_value(v);
}

bool gw_json_bool(const json_t *object, const char *name, bool absent)
{
	const json_t *v = json_object_get(object, name);
	return v == NULL ? absent : json_is_true(v);
}

sot_ip gw_json_ip(const json_t *object, const char *name)
{
	sot_ip ip = {0};
	sot_str text = gw_json_text(object, name);
	if (text.n > 0 && sot_ip_parse(text, &ip, NULL) != SOT_OK)
		ip = (sot_ip){0};
	return ip;
}

size_t gw_json_ips(const json_t *object, const char *name, sot_ip *ret, size_t max)
{
	const json_t *list = json_object_get(object, name);
	size_t count = json_array_size(list) < max ? json_array_size(list) : max;
	for (size_t i = 0; i < count; i++) {
		const json_t *v = json_array_get(list, i);
		sot_str text = {json_string_value(v), json_string_length(v)};
		if (sot_ip_parse(text, &ret[i], NULL) != SOT_OK)
			ret[i] = (sot_ip){0};
	}
	return count;
}
