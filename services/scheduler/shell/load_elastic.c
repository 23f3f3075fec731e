/* Take-over: rules of elastic scaling. */
#include "load_cursor.h"

#include <string.h>

void load_on_elastics(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		elastic_policy policy = {.rule_count = 0};
		elastic_row row = {.app_id = id(&at), .policy = &policy};
		COPY(&at, policy.group);
		memcpy(row.group, policy.group, sizeof(row.group));
		policy.enabled = flag(&at);
		policy.dry_run = flag(&at);
		policy.min = u32(&at);
		policy.max = u32(&at);
		policy.up_step = u32(&at);
		policy.down_step = u32(&at);
		policy.up_cooldown_s = u32(&at);
		policy.down_cooldown_s = u32(&at);
		policy.stable_s = u32(&at);
		policy.tolerance_percent = u8(&at);
		row.kept.count = u32(&at);
		row.kept.changed_unix_ms = number(&at, 0, INT64_MAX);
		row.kept.low_unix_ms = number(&at, 0, INT64_MAX);
		row.kept.low_most = u32(&at);
		row.updated_unix_ms = number(&at, 0, INT64_MAX);
		COPY(&at, row.updated_by);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_elastic(at.l->c, &row, &at.l->err));
	}
}

void load_on_elastic_rules(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		elastic_rule_row row = {.app_id = id(&at)};
		COPY(&at, row.group);
		COPY(&at, row.rule.name);
		WORD(&at, elastic_metric_parse, row.rule.metric);
		row.rule.target_milli = u64(&at);
		row.rule.window_s = u32(&at);
		COPY(&at, row.rule.value);
		WORD(&at, elastic_sum_parse, row.rule.sum);
		COPY(&at, row.rule.cron_text);
		COPY(&at, row.rule.zone_name);
		row.rule.for_s = u32(&at);
		row.rule.count = u32(&at);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_elastic_rule(at.l->c, &row, &at.l->err));
	}
}
