/* Request bodies: first byte picks the route's table, the rest is the body. A body is either an
 * object that the command's encoder can read, or is refused with at least one complaint that a
 * problem document can carry; a pointer never leaves its buffer. */
#include "gw_command.h"
#include "gw_problem.h"
#include "sot_mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const gw_route_id routes[] = {GW_ROUTE_session_create, GW_ROUTE_host_register,
    GW_ROUTE_image_register, GW_ROUTE_subnet_create, GW_ROUTE_app_create, GW_ROUTE_app_scale,
    GW_ROUTE_app_deploy, GW_ROUTE_vlan_create, GW_ROUTE_vlan_update, GW_ROUTE_subnet_update,
    GW_ROUTE_range_create, GW_ROUTE_address_fix};

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void check_problem(const gw_json_errors *errors)
{
	gw_problem p = {.status = 400, .code = "invalid", .errors = errors};
	SOT_AUTO_BUF text;
	json_t *document;
	sot_buf_init(&text, 1u << 20);
	gw_problem_render(&p, &text);
	check(!sot_buf_failed(&text));
	document = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	check(document != NULL);
	check(json_array_size(json_object_get(document, "errors")) == errors->count);
	json_decref(document);
}

static void check_encoding(gw_route_id route, const json_t *body)
{
	gw_command command = {.route = route,
	    .params = {"10.0.0.0/24", "v1"},
	    .body = body,
	    .actor = SOT_STR("token:ada"),
	    .source_address = SOT_STR("127.0.0.1"),
	    .api_request_id = SOT_STR("r"),
	    .idempotency_key = SOT_STR("k")};
	gw_json_errors errors = {0};
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, 1u << 20);
	if (gw_command_encode(&command, 1, &frame, &errors, &err) == SOT_OK)
		check(frame.n > 0);
	else
		check(err.code != SOT_OK && err.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gw_json_errors errors = {0};
	char pointer[GW_JSON_POINTER_MAX];
	json_t *body = NULL;
	size_t count = 0;
	if (size < 1)
		return 0;
	gw_route_id route = routes[data[0] % (sizeof(routes) / sizeof(routes[0]))];
	sot_str text = {(const char *)data + 1, size - 1};
	const gw_field *fields = gw_command_fields(route, &count);
	gw_json_pointer_at(text, text.n / 2, pointer);
	gw_json_pointer_at(text, text.n, pointer);
	if (gw_json_read(text, fields, count, &body, &errors) != SOT_OK) {
		check(errors.count >= 1 && errors.count <= GW_JSON_ERRORS_MAX);
		check_problem(&errors);
		return 0;
	}
	check(json_is_object(body) && errors.count == 0);
	if (route != GW_ROUTE_session_create)
		check_encoding(route, body);
	json_decref(body);
	return 0;
}
