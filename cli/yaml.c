/* YAML out of the API's JSON, and manifests into it; by libyaml. */
#include "cli.h"

#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 64

/* ---- out ---- */
static int on_bytes(void *self, unsigned char *bytes, size_t n)
{
	sot_buf_add(self, bytes, n);
	return 1;
}

static void emit(yaml_emitter_t *e, yaml_event_t *event, int made)
{
	if (made == 0 || yaml_emitter_emit(e, event) == 0)
		abort(); /* there is no memory; the sink takes everything */
}

/* The plain style, where what is read back is the same text. */
static bool is_plain(const char *text)
{
	json_t *read;
	bool same;
	if (text[0] == '\0' || strpbrk(text, "\r\n\t") != NULL)
		return false;
	read = cli_yaml_read(sot_str_c(text), NULL);
	same = json_is_string(read) && strcmp(json_string_value(read), text) == 0;
	json_decref(read);
	return same;
}

static void emit_text(yaml_emitter_t *e, const char *text, bool plain)
{
	yaml_event_t event;
	yaml_scalar_style_t style = plain                        ? YAML_PLAIN_SCALAR_STYLE
	                            : strchr(text, '\n') != NULL ? YAML_LITERAL_SCALAR_STYLE
	                                                         : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	emit(e, &event,
	    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
	        (int)strlen(text), plain, !plain, style));
}

static void emit_value(yaml_emitter_t *e, const json_t *value)
{
	yaml_event_t event;
	const char *key;
	json_t *member;
	if (json_is_object(value)) {
		emit(e, &event,
		    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
		json_object_foreach((json_t *)(uintptr_t)value, key, member)
		{
			emit_text(e, key, is_plain(key));
			emit_value(e, member);
		}
		emit(e, &event, yaml_mapping_end_event_initialize(&event));
	} else if (json_is_array(value)) {
		emit(e, &event,
		    yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
		for (size_t i = 0; i < json_array_size(value); i++)
			emit_value(e, json_array_get(value, i));
		emit(e, &event, yaml_sequence_end_event_initialize(&event));
	} else if (json_is_string(value)) {
		emit_text(e, json_string_value(value), is_plain(json_string_value(value)));
	} else {
		char *text = json_dumps(value, JSON_ENCODE_ANY);
		emit_text(e, text, true);
		free(text);
	}
}

void cli_yaml(const json_t *value, sot_buf *out)
{
	yaml_emitter_t e;
	yaml_event_t event;
	if (yaml_emitter_initialize(&e) == 0)
		abort();
	yaml_emitter_set_output(&e, on_bytes, out);
	yaml_emitter_set_unicode(&e, 1);
	yaml_emitter_set_width(&e, -1);
	emit(&e, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&e, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
	emit_value(&e, value);
	emit(&e, &event, yaml_document_end_event_initialize(&event, 1));
	emit(&e, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(&e);
}

/* ---- in ---- */
/* YAML 1.2.2 section 10.3.2, without octal and hexadecimal numbers, infinity and not-a-number. */
static json_t *of_plain(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	static const char *const yes[] = {"true", "True", "TRUE"}, *const no[] = {
	                                                               "false", "False", "FALSE"};
	int64_t whole;
	double real;
	for (size_t i = 0; i < 5; i++)
		if (strcmp(text, nulls[i]) == 0)
			return json_null();
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(text, yes[i]) == 0)
			return json_true();
		if (strcmp(text, no[i]) == 0)
			return json_false();
	}
	if (strpbrk(text, ".eE") == NULL) {
		if (sot_parse_i64(sot_str_c(text), INT64_MIN, INT64_MAX, &whole, NULL) == SOT_OK)
			return json_integer(whole);
	} else if (strspn(text, "+-0123456789.eE") == strlen(text) &&
	           sot_parse_double(sot_str_c(text), &real, NULL) == SOT_OK) {
		return json_real(real);
	}
	return json_string(text);
}

static json_t *of_node(yaml_document_t *document, int index, size_t depth, sot_err *err);

static bool add_member(json_t *object, yaml_document_t *document, const yaml_node_pair_t *pair,
    size_t depth, sot_err *err)
{
	const yaml_node_t *key = yaml_document_get_node(document, pair->key);
	json_t *value;
	const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
	if (name[0] == '\0' || json_object_get(object, name) != NULL) {
		(void)sot_fail(err, SOT_INVALID, "line %zu: %s%s%s", key->start_mark.line + 1,
		    name[0] == '\0' ? "the name of a field must be a text" : "the field '", name,
		    name[0] == '\0' ? "" : "' is there twice");
		return false;
	}
	value = of_node(document, pair->value, depth + 1, err);
	if (value == NULL)
		return false;
	if (json_object_set_new(object, name, value) == 0)
		return true;
	(void)sot_fail(err, SOT_INVALID, "line %zu: this is no UTF-8", key->start_mark.line + 1);
	return false;
}

static json_t *of_mapping(
    yaml_document_t *document, const yaml_node_t *node, size_t depth, sot_err *err)
{
	json_t *object = json_object();
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		if (add_member(object, document, p, depth, err))
			continue;
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *of_sequence(
    yaml_document_t *document, const yaml_node_t *node, size_t depth, sot_err *err)
{
	json_t *list = json_array();
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		json_t *value = of_node(document, *i, depth + 1, err);
		if (value != NULL && json_array_append_new(list, value) == 0)
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *of_node(yaml_document_t *document, int index, size_t depth, sot_err *err)
{
	const yaml_node_t *node = yaml_document_get_node(document, index);
	const char *text;
	json_t *value;
	if (depth > DEPTH_MAX) {
		(void)sot_fail(err, SOT_INVALID, "line %zu: more than %d levels deep",
		    node->start_mark.line + 1, DEPTH_MAX);
		return NULL;
	}
	if (node->type == YAML_MAPPING_NODE)
		return of_mapping(document, node, depth, err);
	if (node->type == YAML_SEQUENCE_NODE)
		return of_sequence(document, node, depth, err);
	text = (const char *)node->data.scalar.value;
	value = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? of_plain(text) : json_string(text);
	if (value == NULL)
		(void)sot_fail(err, SOT_INVALID, "line %zu: this is no UTF-8", node->start_mark.line + 1);
	return value;
}

/* An alias would let ten lines stand for millions; no manifest needs one. */
static size_t line_of_alias(sot_str text)
{
	yaml_parser_t parser;
	yaml_token_t token;
	size_t line = 0;
	bool more = true;
	if (yaml_parser_initialize(&parser) == 0)
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	while (more && line == 0 && yaml_parser_scan(&parser, &token) != 0) {
		if (token.type == YAML_ALIAS_TOKEN)
			line = token.start_mark.line + 1;
		more = token.type != YAML_STREAM_END_TOKEN;
		yaml_token_delete(&token);
	}
	yaml_parser_delete(&parser);
	return line;
}

static bool read_documents(yaml_parser_t *parser, json_t *documents, sot_err *err)
{
	for (;;) {
		yaml_document_t document;
		json_t *value = NULL;
		bool is_end;
		if (yaml_parser_load(parser, &document) == 0) {
			(void)sot_fail(err, SOT_INVALID, "line %zu: %s", parser->problem_mark.line + 1,
			    parser->problem != NULL ? parser->problem : "this is no YAML");
			return false;
		}
		is_end = yaml_document_get_root_node(&document) == NULL;
		if (!is_end)
			value = of_node(&document, 1, 0, err);
		yaml_document_delete(&document);
		if (is_end)
			return true;
		if (value == NULL)
			return false;
		(void)json_array_append_new(documents, value);
	}
}

json_t *cli_yaml_documents(sot_str text, sot_err *err)
{
	yaml_parser_t parser;
	json_t *documents = json_array();
	size_t alias = line_of_alias(text);
	bool is_read = false;
	if (alias > 0) {
		(void)sot_fail(err, SOT_INVALID, "line %zu: aliases (*name) are not taken", alias);
	} else {
		if (yaml_parser_initialize(&parser) == 0)
			abort();
		yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
		is_read = read_documents(&parser, documents, err);
		yaml_parser_delete(&parser);
	}
	if (is_read)
		return documents;
	json_decref(documents);
	return NULL;
}

json_t *cli_yaml_read(sot_str text, sot_err *err)
{
	json_t *documents = cli_yaml_documents(text, err), *first;
	if (documents == NULL)
		return NULL;
	first =
	    json_array_size(documents) > 0 ? json_incref(json_array_get(documents, 0)) : json_null();
	json_decref(documents);
	return first;
}
