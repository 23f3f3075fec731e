/* preflight - is this machine fit to be a host? Rules as data over facts as text, so that the rules
 * are tested on facts that were captured on other machines. Pure.
 *
 * Facts are lines `name=value`. A rule finds something when its condition holds; a fact that is not
 * known finds nothing.
 */
#ifndef HOSTAGENT_PREFLIGHT_H
#define HOSTAGENT_PREFLIGHT_H

#include "sot_str.h"

typedef enum preflight_severity {
	PREFLIGHT_NOTE,    /* could be better */
	PREFLIGHT_WARNING, /* will hurt some day */
	PREFLIGHT_ERROR    /* no host can be run like this */
} preflight_severity;

typedef enum preflight_test {
	PREFLIGHT_IS,
	PREFLIGHT_IS_NOT,
	PREFLIGHT_BELOW, /* as numbers */
	PREFLIGHT_OLDER, /* as versions: 4.9 < 4.18 */
	PREFLIGHT_LACKS, /* the fact's value, a list with commas, has no such word */
	PREFLIGHT_AMONG, /* the fact's value is one of the rule's, a list with commas */
	PREFLIGHT_NOT_AMONG
} preflight_test;

typedef struct preflight_condition {
	const char *fact; /* NULL: none */
	preflight_test test;
	const char *value;
} preflight_condition;

typedef struct preflight_rule {
	const char *id;
	preflight_severity severity;
	const char *fact;
	preflight_test test;
	const char *value;
	const char *what, *why, *mend;
	preflight_condition also; /* of a combination: holds, too */
} preflight_rule;

extern const preflight_rule preflight_rules[];
extern const size_t preflight_rule_count;

const char *preflight_severity_name(preflight_severity severity);
/* The value of a fact; an empty view, with p NULL, when it is not known. */
sot_str preflight_fact(sot_str facts, const char *name);
/* Calls `fn` for each rule that found something, worst first, with the value that it saw; returns
 * the worst severity, or -1 when nothing was found. */
typedef void (*preflight_fn)(void *self, const preflight_rule *rule, sot_str seen);
int preflight_judge(sot_str facts, preflight_fn fn, void *self);
/* The findings as a JSON list: id, severity, what, why, mend, seen. */
void preflight_render_json(sot_str facts, sot_buf *out);

#endif
