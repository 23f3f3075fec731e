/* elastic_row - the rows of elastic scaling. Only controller.h includes it. */
#ifndef SCHEDULER_ELASTIC_ROW_H
#define SCHEDULER_ELASTIC_ROW_H

#include "elastic_step.h"

/* Of an app as a whole, or of one of its groups. */
typedef struct elastic_row {
	sot_uuid app_id;
	char group[31];
	const elastic_policy *policy; /* borrowed; NULL: it has none any more */
	elastic_kept kept;
	char updated_by[129];
	int64_t updated_unix_ms;
} elastic_row;

/* A rule of a policy, as it is loaded: cron and zone are not looked up. */
typedef struct elastic_rule_row {
	sot_uuid app_id;
	char group[31];
	elastic_rule rule;
} elastic_rule_row;

typedef struct elastic_decision_row {
	sot_uuid app_id, operation_id; /* operation_id: zero when nothing was begun */
	int64_t at_unix_ms;
	char group[31], rule[31];
	elastic_decision decision;
} elastic_decision_row;

/* As the API and the column scheduler.elastic.policy show it. */
void elastic_policy_json(const elastic_policy *p, sot_buf *out);
sot_code elastic_metric_parse(sot_str word, enum sot_elastic_metric *ret, sot_err *err) SOT_CHECK;
sot_code elastic_sum_parse(sot_str word, enum sot_elastic_sum *ret, sot_err *err) SOT_CHECK;
/* Fills the rule's cron and zone from their texts. SOT_INVALID with what is wrong. find: a zone by
 * its name, NULL when there is none; NULL: only UTC is known. */
typedef const time_zone *(*time_zone_find_fn)(void *self, const char *name);
sot_code elastic_rule_resolve(
    elastic_rule *rule, time_zone_find_fn find, void *self, sot_err *err) SOT_CHECK;

#endif
