/* Rules of elastic scaling as the API and the database have them. */
#include "elastic_row.h"

#include <inttypes.h>
#include <string.h>

static void add_text(sot_buf *out, const char *name, const char *value)
{
	sot_buf_printf(out, ",\"%s\":", name);
	sot_buf_add_json(out, sot_str_c(value));
}

static void add_rule(sot_buf *out, const elastic_rule *r)
{
	sot_buf_add_c(out, "{\"name\":");
	sot_buf_add_json(out, sot_str_c(r->name));
	add_text(out, "metric", sot_elastic_metric_name(r->metric));
	if (r->metric == SOT_ELASTIC_METRIC_SCHEDULE) {
		add_text(out, "cron", r->cron_text);
		add_text(out, "zone", r->zone_name);
		sot_buf_printf(out, ",\"forSeconds\":%u,\"count\":%u}", r->for_s, r->count);
		return;
	}
	sot_buf_printf(
	    out, ",\"target\":%" PRIu64 ",\"windowSeconds\":%u", r->target_milli / 1000, r->window_s);
	if (r->metric == SOT_ELASTIC_METRIC_CUSTOM) {
		add_text(out, "value", r->value);
		add_text(out, "sum", sot_elastic_sum_name(r->sum));
	}
	sot_buf_add_c(out, "}");
}

void elastic_policy_json(const elastic_policy *p, sot_buf *out)
{
	sot_buf_add_c(out, "{\"group\":");
	sot_buf_add_json(out, sot_str_c(p->group));
	sot_buf_printf(out,
	    ",\"enabled\":%s,\"dryRun\":%s,\"min\":%u,\"max\":%u,\"upStep\":%u,\"downStep\":%u,"
	    "\"upCooldownSeconds\":%u,\"downCooldownSeconds\":%u,\"stableSeconds\":%u,"
	    "\"tolerancePercent\":%u,\"rules\":[",
	    p->enabled ? "true" : "false", p->dry_run ? "true" : "false", p->min, p->max, p->up_step,
	    p->down_step, p->up_cooldown_s, p->down_cooldown_s, p->stable_s, p->tolerance_percent);
	for (size_t k = 0; k < p->rule_count; k++) {
		sot_buf_add_c(out, k ? "," : "");
		add_rule(out, &p->rules[k]);
	}
	sot_buf_add_c(out, "]}");
}

sot_code elastic_metric_parse(sot_str word, enum sot_elastic_metric *ret, sot_err *err)
{
	int found = sot_elastic_metric_find(word);

	if (found < 0)
		return sot_fail(err, SOT_INTERNAL, "unknown metric of a rule '%.*s'", SOT_ARG(word));
	*ret = (enum sot_elastic_metric)found;
	return SOT_OK;
}

sot_code elastic_sum_parse(sot_str word, enum sot_elastic_sum *ret, sot_err *err)
{
	int found = sot_elastic_sum_find(word);

	if (found < 0)
		return sot_fail(err, SOT_INTERNAL, "unknown sum of a rule '%.*s'", SOT_ARG(word));
	*ret = (enum sot_elastic_sum)found;
	return SOT_OK;
}

sot_code elastic_rule_resolve(elastic_rule *rule, time_zone_find_fn find, void *self, sot_err *err)
{
	rule->zone = NULL;
	if (rule->metric != SOT_ELASTIC_METRIC_SCHEDULE)
		return SOT_OK;
	if (strcmp(rule->zone_name, "UTC") != 0) {
		rule->zone = find ? find(self, rule->zone_name) : NULL;
		if (!rule->zone)
			return sot_fail(err, SOT_INVALID,
			    "no time zone is called '%s'; they are called Asia/Shanghai, Europe/Berlin, UTC "
			    "...",
			    rule->zone_name);
	}
	return cron_parse(sot_str_c(rule->cron_text), &rule->cron, err);
}
