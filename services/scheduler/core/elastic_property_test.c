/* Elastic scaling, whatever happens: random rules, loads, silence, changes by hand and new leaders.
 */
#include "elastic_bench.h"
#include "sot_rand.h"

typedef struct history {
	int64_t changed_ms, heard_ms[CROWD], low_ms;
} history;

static elastic_policy random_policy(sot_rand *r)
{
	elastic_policy p = cpu_policy();

	p.min = 1 + (uint32_t)sot_rand_below(r, 3);
	p.max = p.min + (uint32_t)sot_rand_below(r, 20);
	p.up_step = (uint32_t)sot_rand_below(r, 4);
	p.down_step = (uint32_t)sot_rand_below(r, 4);
	p.up_cooldown_s = (uint32_t)sot_rand_below(r, 100);
	p.down_cooldown_s = (uint32_t)sot_rand_below(r, 200);
	p.stable_s = (uint32_t)sot_rand_below(r, 300);
	p.dry_run = sot_rand_below(r, 10) == 0;
	return p;
}

static void check(const stage *st, const history *h, bool was_hand)
{
	const elastic_decision *d = &st->last.decision;
	const elastic_policy *p = &st->policy;

	if (d->outcome != ELASTIC_SCALE) {
		assert_true(d->outcome == ELASTIC_HELD || d->hold == ELASTIC_FREE);
		return;
	}
	assert_true(d->to != d->count && !st->busy && !p->dry_run);
	assert_true(d->to < d->count ? d->to >= p->min : d->to <= p->max);
	if (d->to > d->count) {
		assert_true(p->up_step == 0 || d->to - d->count <= p->up_step);
		assert_true(d->count < p->min || h->changed_ms == 0 ||
		            st->now.unix_ms - h->changed_ms >= p->up_cooldown_s * 1000ll);
		return;
	}
	assert_true(p->down_step == 0 || d->count - d->to <= p->down_step);
	assert_true(
	    h->changed_ms == 0 || st->now.unix_ms - h->changed_ms >= p->down_cooldown_s * 1000ll);
	assert_false(was_hand && p->stable_s > 0);
	for (size_t k = 0; k < st->count; k++) /* of all something is known */
		assert_true(st->now.mono_ms - h->heard_ms[k] <= 30 * S);
}

static void one_life(uint64_t seed)
{
	stage st = {.e = elastic_new(), .now = {1000 * S, 1790000000ll * S}};
	history h = {.changed_ms = 0};
	sot_rand r;
	uint32_t cpu = 50, quiet = 0, mute = 0; /* every other one says nothing for so many rounds */

	sot_rand_seed(&r, seed);
	st.policy = random_policy(&r);
	set_policy(&st, (elastic_kept){.count = 0});
	have(&st, st.policy.min);
	look(&st);
	for (int k = 0; k < 600; k++) {
		bool hand = sot_rand_below(&r, 50) == 0;
		later(&st, 1 + (int64_t)sot_rand_below(&r, 10));
		if (quiet > 0)
			quiet--;
		else if (sot_rand_below(&r, 30) == 0)
			quiet = (uint32_t)sot_rand_below(&r, 60), mute = (uint32_t)sot_rand_below(&r, 2);
		if (sot_rand_below(&r, 20) == 0)
			cpu = (uint32_t)sot_rand_below(&r, 200);
		for (size_t m = 0; m < st.count; m++) {
			if (quiet > 0 && m % 2 == mute)
				continue;
			sample(&st, m, cpu);
			h.heard_ms[m] = st.now.mono_ms;
		}
		st.busy = sot_rand_below(&r, 8) == 0 ? "something" : NULL;
		if (sot_rand_below(&r, 60) == 0)
			set_policy(&st, *elastic_kept_of(st.e));
		size_t before = st.count;
		if (hand)
			have(&st, 1 + (size_t)sot_rand_below(&r, st.policy.max + 2));
		hand = before != st.count;
		look(&st);
		if (hand)
			h.changed_ms = st.now.unix_ms;
		check(&st, &h, hand);
		if (st.last.decision.outcome == ELASTIC_SCALE && sot_rand_below(&r, 4) > 0) {
			for (size_t m = st.count; m < st.last.decision.to; m++)
				h.heard_ms[m] = 0;
			scale(&st);
			h.changed_ms = st.now.unix_ms;
		}
	}
	elastic_free(st.e);
}

static void whatever_happens_the_rules_hold(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		one_life(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_happens_the_rules_hold)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
