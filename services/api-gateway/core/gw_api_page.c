#include "gw_api_page.h"

#include <jansson.h>
#include <string.h>

#define DEPTH_MAX 12

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem}"
    "code{font:13px/1.5 ui-monospace,monospace}"
    "summary{cursor:pointer;padding:.15rem 0}summary b{display:inline-block;width:4.5rem}"
    "details details,details>*:not(summary){margin-left:1.2rem}"
    "table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.15rem .8rem "
    ".15rem 0}ul{margin:.2rem 0;padding-left:1.2rem}nav a{margin-right:.8rem}"
    "small{opacity:.75}@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}"
    "a{color:#8ab4f8}}";

sot_str gw_api_page_style(void)
{
	return sot_str_c(style);
}

static void add_text(sot_buf *out, const char *text)
{
	for (const char *p = text != NULL ? text : ""; *p != '\0'; p++) {
		const char *escaped = *p == '<'   ? "&lt;"
		                      : *p == '>' ? "&gt;"
		                      : *p == '&' ? "&amp;"
		                      : *p == '"' ? "&quot;"
		                                  : NULL;
		if (escaped != NULL)
			sot_buf_add_c(out, escaped);
		else
			sot_buf_add_char(out, *p);
	}
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text != NULL ? text : "";
}

static void add_element(sot_buf *out, const char *element, const char *text)
{
	sot_buf_printf(out, "<%s>", element);
	add_text(out, text);
	sot_buf_printf(out, "</%s>", element);
}

/* ---- schemas ---- */
static const char *ref_name(const json_t *schema)
{
	const char *ref = text_of(schema, "$ref"), *slash = strrchr(ref, '/');
	return slash != NULL ? slash + 1 : NULL;
}

static void add_value(sot_buf *out, const json_t *value)
{
	char text[128];
	size_t n = json_dumpb(value, text, sizeof(text) - 1, JSON_ENCODE_ANY | JSON_COMPACT);
	text[n < sizeof(text) ? n : 0] = '\0';
	add_text(out, text);
}

/* "string", "string or null" */
static void add_type(sot_buf *out, const json_t *schema)
{
	const json_t *type = json_object_get(schema, "type");
	size_t i;
	json_t *one;
	if (json_is_string(type))
		add_text(out, json_string_value(type));
	json_array_foreach(type, i, one)
	{
		sot_buf_add_c(out, i > 0 ? " or " : "");
		add_text(out, json_string_value(one));
	}
}

static void add_bounds(sot_buf *out, const json_t *schema)
{
	static const char *const names[] = {"const", "enum", "format", "pattern", "minimum", "maximum",
	    "minLength", "maxLength", "minItems", "maxItems", "default"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *value = json_object_get(schema, names[i]);
		if (value == NULL)
			continue;
		sot_buf_printf(out, " <small>%s <code>", names[i]);
		add_value(out, value);
		sot_buf_add_c(out, "</code></small>");
	}
}

static void add_schema(sot_buf *out, const json_t *schema, unsigned depth);

static bool is_required(const json_t *schema, const char *name)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(schema, "required"), i,
	    one) if (strcmp(json_string_value(one) != NULL ? json_string_value(one) : "", name) ==
	             0) return true;
	return false;
}

static void add_members(sot_buf *out, const json_t *schema, unsigned depth)
{
	json_t *properties = json_object_get(schema, "properties"), *member;
	const char *name;
	if (json_object_size(properties) == 0 || depth > DEPTH_MAX)
		return;
	sot_buf_add_c(out, "<ul>");
	json_object_foreach(properties, name, member)
	{
		sot_buf_add_c(out, "<li>");
		add_element(out, "code", name);
		sot_buf_add_c(out, is_required(schema, name) ? " <b>required</b> " : " ");
		add_schema(out, member, depth + 1);
		sot_buf_add_c(out, "</li>");
	}
	sot_buf_add_c(out, "</ul>");
}

static void add_schema(sot_buf *out, const json_t *schema, unsigned depth)
{
	const char *name = ref_name(schema);
	const json_t *items = json_object_get(schema, "items");
	if (name != NULL) {
		sot_buf_add_c(out, "<a href=\"#schema-");
		add_text(out, name);
		sot_buf_add_c(out, "\">");
		add_text(out, name);
		sot_buf_add_c(out, "</a>");
		return;
	}
	add_type(out, schema);
	add_bounds(out, schema);
	sot_buf_add_char(out, ' ');
	add_text(out, text_of(schema, "description"));
	if (items != NULL && depth <= DEPTH_MAX) {
		sot_buf_add_c(out, " of ");
		add_schema(out, items, depth + 1);
	}
	add_members(out, schema, depth);
}

/* ---- operations ---- */
static const json_t *resolve(const json_t *document, const json_t *parameter)
{
	const char *name = ref_name(parameter);
	return name == NULL
	           ? parameter
	           : json_object_get(
	                 json_object_get(json_object_get(document, "components"), "parameters"), name);
}

static void add_parameters(sot_buf *out, const json_t *document, const json_t *operation)
{
	const json_t *parameters = json_object_get(operation, "parameters");
	size_t i;
	json_t *one;
	if (json_array_size(parameters) == 0)
		return;
	sot_buf_add_c(out, "<h4>Parameters</h4><table>");
	json_array_foreach(parameters, i, one)
	{
		const json_t *p = resolve(document, one);
		sot_buf_add_c(out, "<tr><td>");
		add_element(out, "code", text_of(p, "name"));
		sot_buf_add_c(out, "</td>");
		add_element(out, "td", text_of(p, "in"));
		sot_buf_add_c(out, "<td>");
		add_schema(out, json_object_get(p, "schema"), 0);
		add_text(out, text_of(p, "description"));
		sot_buf_add_c(out, "</td></tr>");
	}
	sot_buf_add_c(out, "</table>");
}

static void add_content(sot_buf *out, json_t *content)
{
	const char *type;
	json_t *one;
	json_object_foreach(content, type, one)
	{
		sot_buf_add_char(out, ' ');
		add_element(out, "code", type);
		sot_buf_add_char(out, ' ');
		add_schema(out, json_object_get(one, "schema"), 0);
	}
}

static void add_answers(sot_buf *out, const json_t *operation)
{
	const char *status;
	json_t *answer;
	sot_buf_add_c(out, "<h4>Answers</h4><ul>");
	json_object_foreach(json_object_get(operation, "responses"), status, answer)
	{
		sot_buf_add_c(out, "<li>");
		add_element(out, "b", status);
		sot_buf_add_char(out, ' ');
		add_text(out, text_of(answer, "description"));
		add_content(out, json_object_get(answer, "content"));
		sot_buf_add_c(out, "</li>");
	}
	sot_buf_add_c(out, "</ul>");
}

static void add_operation(sot_buf *out, const json_t *document, const char *path,
    const char *method, const json_t *operation)
{
	sot_buf_add_c(out, "<details id=\"");
	add_text(out, text_of(operation, "operationId"));
	sot_buf_add_c(out, "\"><summary><b>");
	for (const char *p = method; *p != '\0'; p++)
		sot_buf_add_char(out, (char)(*p & ~0x20));
	sot_buf_add_c(out, "</b> ");
	add_element(out, "code", path);
	sot_buf_add_char(out, ' ');
	add_text(out, text_of(operation, "summary"));
	sot_buf_add_c(out, "</summary><p>Lowest role ");
	add_element(out, "code", text_of(operation, "x-role"));
	sot_buf_add_c(out, ", needed where: ");
	add_element(out, "code", text_of(operation, "x-scope"));
	sot_buf_add_c(out, ". ");
	add_text(out, text_of(operation, "description"));
	sot_buf_add_c(out, "</p>");
	add_parameters(out, document, operation);
	if (json_object_get(operation, "requestBody") != NULL) {
		sot_buf_add_c(out, "<h4>Body</h4><div>");
		add_content(out, json_object_get(json_object_get(operation, "requestBody"), "content"));
		sot_buf_add_c(out, "</div>");
	}
	add_answers(out, operation);
	sot_buf_add_c(out, "</details>");
}

/* ---- the page ---- */
/* "apps" of "/v1/apps/{name}" */
static sot_str section_of(const char *path)
{
	sot_str rest = sot_str_c(path), section = {0};
	for (int i = 0; i < 3 && rest.n > 0; i++) {
		sot_str part = sot_str_cut(rest, '/', &rest);
		if (part.n > 0 && !sot_str_eq_c(part, "v1"))
			section = part;
	}
	return section;
}

static void add_paths(sot_buf *out, const json_t *document)
{
	const char *path, *method;
	json_t *methods, *operation;
	sot_str last = {0};
	json_object_foreach(json_object_get(document, "paths"), path, methods)
	{
		sot_str section = section_of(path);
		if (!sot_str_eq(section, last))
			sot_buf_printf(out, "<h2>%.*s</h2>", SOT_ARG(section));
		last = section;
		json_object_foreach(methods, method, operation)
		    add_operation(out, document, path, method, operation);
	}
}

static void add_schemas(sot_buf *out, const json_t *document)
{
	const char *name;
	json_t *schema;
	sot_buf_add_c(out, "<h2>Objects</h2>");
	json_object_foreach(
	    json_object_get(json_object_get(document, "components"), "schemas"), name, schema)
	{
		sot_buf_add_c(out, "<h3 id=\"schema-");
		add_text(out, name);
		sot_buf_add_c(out, "\">");
		add_text(out, name);
		sot_buf_add_c(out, "</h3><div>");
		add_schema(out, schema, 0);
		sot_buf_add_c(out, "</div>");
	}
}

sot_code gw_api_page_render(sot_str openapi, sot_buf *out, sot_err *err)
{
	json_error_t why;
	json_t *document = json_loadb(openapi.p, openapi.n, JSON_REJECT_DUPLICATES, &why);
	const json_t *info = json_object_get(document, "info");
	if (!json_is_object(json_object_get(document, "paths"))) {
		json_decref(document);
		return sot_fail(err, SOT_INVALID, "openapi_file is no description of an API");
	}
	sot_buf_printf(out,
	    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	    "content=\"width=device-width\"><title>Sotalia API</title><style>%s</style></head><body>",
	    style);
	add_element(out, "h1", text_of(info, "title"));
	add_element(out, "p", text_of(info, "description"));
	sot_buf_add_c(out,
	    "<p>For programs: <a href=\"/v1/openapi.json\">openapi.json</a>. A token goes into <code>"
	    "Authorization: Bearer sot_&lt;id&gt;_&lt;secret&gt;</code>.</p>");
	add_paths(out, document);
	add_schemas(out, document);
	sot_buf_add_c(out, "</body></html>\n");
	json_decref(document);
	return SOT_OK;
}
