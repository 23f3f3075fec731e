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
	case GW_OBJECT:
		check_object(f->fields, f->field_count, v, at, errors);
		break;
	case GW_OBJECTS:
	case GW_TEXTS:
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
