/* gw_problem - errors as RFC 9457 documents, and which HTTP status a failure has. Pure. */
#ifndef GW_PROBLEM_H
#define GW_PROBLEM_H

#include "gw_json.h"

typedef struct gw_problem {
	int status;
	const char *code;             /* lower case, for programs: "not_found" */
	sot_str detail;               /* for people: what was wrong, where, what to do */
	sot_str pointer;              /* of the one field that is wrong; empty: none, or see errors */
	const gw_json_errors *errors; /* may be NULL */
	sot_str request_id;
	int retry_after_s; /* 0: no Retry-After */
	/* JSON, trusted: a list of errors instead of `errors`, and a member "import". Empty: none. */
	sot_str errors_json, import_json;
} gw_problem;

/* The document, as application/problem+json. */
void gw_problem_render(const gw_problem *p, sot_buf *out);
/* The status and the code word for a failure in this process. */
int gw_problem_status(sot_code code);
/* The same for a scheduler's or ipam's refusal (enum sot_refusal). */
int gw_refusal_status(int refusal, const char **ret_code);

#endif
