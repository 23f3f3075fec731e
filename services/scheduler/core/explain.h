/* explain - what the placer decided, as one shape of JSON object: in scheduler.decision, in a
 * forecast, in the API and in `sotalia why`. Private to core/; docs/explain.md describes the
 * object.
 */
#ifndef SCHEDULER_EXPLAIN_H
#define SCHEDULER_EXPLAIN_H

#include "model.h"

#define DECISION_INSTANCES_MAX 50 /* that share one row */
#define SURVEY_HOSTS_MAX 1000     /* up to so many, a choice also counts why the others were not */

/* Equal instances of one app that found their hosts one after the other in one turn. */
typedef struct decision {
	sot_uuid id; /* of its row: set by the caller with the first instance */
	const app *app;
	placer_explanation first; /* of the first of them */
	placer_refusal others;    /* hosts that were out of the question for it; 0 hosts: not asked */
	uint32_t hosts;
	int32_t need[PLACER_DIMS];
	sot_buf placed; /* items, joined by commas */
	size_t count;
} decision;

void decision_init(decision *d);
void decision_clear(decision *d);
/* Chooses a host for one more instance of the app (`handle` in the placer), notes why, and books
 * it. Returns the placer's instance; PLACER_NONE and nothing noted when no host fits. */
uint32_t decision_place(
    controller *c, decision *d, const app *a, uint32_t handle, const char *instance_name);
/* Notes why an instance of the app stands on the host `at`, whoever chose that, and books it there;
 * in a state in which it stands nowhere. Returns the placer's instance. A better host than that is
 * the first runner-up. */
uint32_t decision_stands(controller *c, decision *d, const app *a, uint32_t handle,
    const char *instance_name, uint32_t at);
/* Nothing more fits into its row. */
bool decision_is_full(const decision *d);
/* The object of what was noted, at least one instance. */
void decision_json(const controller *c, const decision *d, sot_buf *out);
/* What was noted as a row of the operation in the next batch; then empty again. Nothing is nothing.
 */
void decision_write(controller *c, decision *d, const operation *o);

/* The object of a refusal of `count` instances; `text` for people. `why` NULL: none was made,
 * because of what `blocked` (one word) says of every host. */
typedef struct refused {
	const app *app;
	uint32_t handle; /* of the app, PLACER_NONE: unknown */
	const placer_refusal *why;
	const char *blocked;
	size_t count;
	sot_str text;
} refused;
void refusal_json(const controller *c, const refused *r, sot_buf *out);

#endif
