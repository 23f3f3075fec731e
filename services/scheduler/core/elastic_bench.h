/* elastic_bench - an app with rules on a virtual clock, for the tests of elastic_step. */
#ifndef SCHEDULER_ELASTIC_BENCH_H
#define SCHEDULER_ELASTIC_BENCH_H

#include "elastic_step.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CROWD 64
#define S 1000

typedef struct stage {
	elastic *e;
	elastic_now now;
	elastic_policy policy;
	elastic_member members[CROWD];
	size_t count;
	const char *busy;
	elastic_effects last;
} stage;

static inline elastic_policy cpu_policy(void)
{
	elastic_policy p = {.enabled = true,
	    .min = 2,
	    .max = 6,
	    .up_cooldown_s = 30,
	    .down_cooldown_s = 60,
	    .stable_s = 120,
	    .tolerance_percent = 10,
	    .rule_count = 1};

	p.rules[0] =
	    (elastic_rule){.metric = SOT_ELASTIC_METRIC_CPU, .target_milli = 50 * S, .window_s = 60};
	memcpy(p.rules[0].name, "load", 5);
	return p;
}

static inline void step(stage *st, const elastic_event *event)
{
	elastic_step(st->e, st->now, event, &st->last);
}

static inline void set_policy(stage *st, elastic_kept kept)
{
	step(st, &(elastic_event){.kind = ELASTIC_POLICY, .policy = &st->policy, .kept = kept});
}

static inline void have(stage *st, size_t count)
{
	for (; st->count < count; st->count++)
		st->members[st->count] = (elastic_member){{{(uint8_t)(st->count + 1)}}, ELASTIC_WORKS};
	st->count = count;
}

static inline int set_up(void **state)
{
	static stage st;

	st = (stage){.e = elastic_new(), .now = {1000 * S, 1790000000ll * S}, .policy = cpu_policy()};
	set_policy(&st, (elastic_kept){.count = 0});
	have(&st, 2);
	*state = &st;
	return 0;
}

static inline int tear_down(void **state)
{
	stage *st = *state;

	elastic_free(st->e);
	return 0;
}

static inline void later(stage *st, int64_t s)
{
	st->now.mono_ms += s * S;
	st->now.unix_ms += s * S;
}

static inline void sample(stage *st, size_t k, uint32_t cpu_percent)
{
	step(st, &(elastic_event){.kind = ELASTIC_SAMPLE,
	             .id = st->members[k].id,
	             .cpu_milli = cpu_percent * S,
	             .memory_milli = 30 * S,
	             .period_ms = 10 * S});
}

static inline void load(stage *st, uint32_t cpu_percent)
{
	for (size_t k = 0; k < st->count; k++)
		sample(st, k, cpu_percent);
}

static inline const elastic_decision *look(stage *st)
{
	step(st, &(elastic_event){.kind = ELASTIC_LOOK,
	             .members = st->members,
	             .member_count = st->count,
	             .busy = st->busy});
	assert_true(st->last.decided);
	return &st->last.decision;
}

static inline void scale(stage *st)
{
	uint32_t to = st->last.decision.to;

	assert_int_equal(st->last.decision.outcome, ELASTIC_SCALE);
	step(st, &(elastic_event){.kind = ELASTIC_SCALED, .count = to});
	have(st, to);
}

/* Every 10 s a report of that load and a look; the last decision. */
static inline const elastic_decision *run(stage *st, int64_t s, uint32_t cpu_percent)
{
	const elastic_decision *d = NULL;

	for (; s > 0; s -= 10) {
		later(st, 10);
		load(st, cpu_percent);
		d = look(st);
	}
	return d;
}

#endif
