#include "report_clock.h"

enum { COALESCE_MS = 500, AGAIN_FIRST_MS = 1000, AGAIN_MAX_MS = 60000 };

void report_clock_init(report_clock *c, sot_mono now)
{
	*c = (report_clock){.begun = sot_mono_add_ms(now, -COALESCE_MS), .due = now};
}

void report_clock_touch(report_clock *c)
{
	c->is_touched = true;
}

int64_t report_clock_wait_ms(const report_clock *c, sot_mono now)
{
	if (c->is_busy)
		return INT64_MAX;
	int64_t regular = sot_mono_diff_ms(c->due, now);
	int64_t soon = sot_mono_diff_ms(sot_mono_add_ms(c->begun, COALESCE_MS), now);
	/* After a failure a change does not hurry: ipam is away, or says no. */
	int64_t wait = c->is_touched && c->failures == 0 && soon < regular ? soon : regular;
	return wait > 0 ? wait : 0;
}

bool report_clock_begin(report_clock *c, sot_mono now)
{
	if (report_clock_wait_ms(c, now) > 0)
		return false;
	c->is_busy = true;
	c->is_touched = false;
	c->begun = now;
	return true;
}

void report_clock_end(report_clock *c, bool ok, uint32_t next_report_ms, sot_mono now)
{
	int64_t wait_ms = next_report_ms;
	c->is_busy = false;
	c->failures = ok ? 0 : c->failures + 1;
	if (!ok) {
		wait_ms = AGAIN_FIRST_MS;
		for (unsigned n = 1; n < c->failures && wait_ms < AGAIN_MAX_MS; n++)
			wait_ms *= 2;
		wait_ms = wait_ms < AGAIN_MAX_MS ? wait_ms : AGAIN_MAX_MS;
	}
	c->due = sot_mono_add_ms(now, wait_ms);
}
