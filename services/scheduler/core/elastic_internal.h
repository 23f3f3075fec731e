/* elastic_internal - the state of elastic scaling and what its rules say. Private to elastic_*.c.
 */
#ifndef SCHEDULER_ELASTIC_INTERNAL_H
#define SCHEDULER_ELASTIC_INTERNAL_H

#include "elastic_series.h"
#include "elastic_step.h"

typedef struct seen {
	sot_uuid id;
	elastic_part part;
	bool present; /* at the last look */
	series *of_rule[ELASTIC_RULES_MAX];
} seen;

struct elastic {
	elastic_policy policy;
	elastic_kept kept;
	seen *members;
	size_t count, cap;
	struct {
		series *of_app;         /* values that were sent for the app as a whole */
		int64_t begun_minute;   /* its schedule began last; 0: not in its time */
		int64_t checked_minute; /* so far; 0: not yet */
	} rules[ELASTIC_RULES_MAX];
	bool was_busy;
	int64_t since_mono_ms;   /* what was measured before is of another count of instances */
	int64_t unknown_mono_ms; /* something is not known since then; 0: all is */
};

/* What one rule says. */
typedef struct vote {
	bool votes, known;
	uint64_t load_milli; /* mean, or with a sum the whole */
	size_t heard;        /* of how many instances; 0 with a value of the app */
	uint32_t wanted;
} vote;

/* ---- elastic_votes.c ---- */
seen *elastic_seen(elastic *e, sot_uuid id); /* made when it is new */
void elastic_take_sample(elastic *e, elastic_now now, const elastic_event *event);
void elastic_take_value(elastic *e, elastic_now now, const elastic_event *event);
/* All that was measured, and where the schedules are. */
void elastic_forget_measured(elastic *e);
/* What the rule says about the members of the last look. */
vote elastic_vote(elastic *e, elastic_now now, size_t r);

#endif
