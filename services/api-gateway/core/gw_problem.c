#include "gw_problem.h"

#include "sot_proto.h"

#include <string.h>

static const char *title_of(int status, const char *code)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {
	    {400, "Bad request"},
	    {401, "Not authenticated"},
	    {403, "Not permitted"},
	    {404, "Not found"},
	    {405, "Method not allowed"},
	    {409, "Conflict"},
	    {410, "Gone"},
	    {412, "No longer true"},
	    {413, "Too large"},
	    {415, "Unsupported media type"},
	    {416, "Range not satisfiable"},
	    {422, "Wrong content"},
	    {426, "Upgrade required"},
	    {429, "Too many requests"},
	    {503, "Unavailable"},
	    {504, "No answer in time"},
	};
	if (status == 422 && strcmp(code, "key_reused") == 0)
		return "Idempotency key reused";
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Internal error";
}

static void add_error(sot_buf *out, sot_str pointer, sot_str detail, bool first)
{
	sot_buf_add_c(out, first ? "{\"pointer\":" : ",{\"pointer\":");
	sot_buf_add_json(out, pointer);
	sot_buf_add_c(out, ",\"detail\":");
	sot_buf_add_json(out, detail);
	sot_buf_add_char(out, '}');
}

void gw_problem_render(const gw_problem *p, sot_buf *out)
{
	sot_buf_printf(out, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\"",
	    title_of(p->status, p->code), p->status, p->code);
	sot_buf_add_c(out, ",\"detail\":");
	sot_buf_add_json(out, p->detail);
	sot_buf_add_c(out, ",\"requestId\":");
	sot_buf_add_json(out, p->request_id);
	if (p->import_json.n > 0)
		sot_buf_printf(out, ",\"import\":%.*s", SOT_ARG(p->import_json));
	if (p->errors_json.n > 0) {
		sot_buf_printf(out, ",\"errors\":%.*s}\n", SOT_ARG(p->errors_json));
		return;
	}
	sot_buf_add_c(out, ",\"errors\":[");
	if (p->pointer.n > 0)
		add_error(out, p->pointer, p->detail, true);
	for (size_t i = 0; p->errors != NULL && i < p->errors->count; i++)
		add_error(out, sot_str_c(p->errors->items[i].pointer),
		    sot_str_c(p->errors->items[i].detail), i == 0 && p->pointer.n == 0);
	sot_buf_add_c(out, "]}\n");
}

int gw_problem_status(sot_code code)
{
	switch (code) {
	case SOT_INVALID:
		return 400;
	case SOT_NOT_FOUND:
		return 404;
	case SOT_CONFLICT:
		return 409;
	case SOT_LIMIT:
		return 429; /* a queue of this program is full: that passes */
	case SOT_UNAVAILABLE:
	case SOT_UNKNOWN:
		return 503;
	case SOT_DENIED:
		return 403;
	case SOT_OK:
	case SOT_INTERNAL:
		break;
	}
	return 500;
}

int gw_refusal_status(int refusal, const char **ret_code)
{
	static const struct {
		int refusal, status;
		const char *code;
	} rows[] = {
	    {SOT_REFUSAL_INVALID, 400, "invalid"},
	    {SOT_REFUSAL_NOT_FOUND, 404, "not_found"},
	    {SOT_REFUSAL_CONFLICT, 409, "conflict"},
	    {SOT_REFUSAL_LIMIT, 409, "limit"},
	    {SOT_REFUSAL_UNAVAILABLE, 503, "unavailable"},
	    {SOT_REFUSAL_DENIED, 403, "denied"},
	    {SOT_REFUSAL_BLOCKED, 409, "blocked"},
	    {SOT_REFUSAL_NOT_LEADER, 503, "unavailable"},
	    {SOT_REFUSAL_KEY_REUSED, 422, "key_reused"},
	    {SOT_REFUSAL_STALE, 412, "stale"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].refusal != refusal)
			continue;
		*ret_code = rows[i].code;
		return rows[i].status;
	}
	*ret_code = "internal";
	return 500;
}
