#include "crashes.h"

#include <stdio.h>
#include <string.h>

enum { LOOP_WINDOW_MS = 60000 };

static void note_end(crashes *c, sot_mono now)
{
	if (c->ends_count == CRASHES_LOOP)
		memmove(c->ends, c->ends + 1, (CRASHES_LOOP - 1) * sizeof(c->ends[0]));
	else
		c->ends_count++;
	c->ends[c->ends_count - 1] = now;
	if (c->ends_count == CRASHES_LOOP && sot_mono_diff_ms(now, c->ends[0]) <= LOOP_WINDOW_MS)
		c->is_loop = true;
}

static void note_ends(crashes *c, uint32_t ends, sot_mono now)
{
	for (uint32_t n = 0; n < ends && n < CRASHES_LOOP; n++)
		note_end(c, now);
}

/* A start that somebody ordered begins the Engine's count anew. */
static uint32_t starts_since(const crashes *c, const container_facts *facts, uint32_t starts)
{
	if (starts > c->engine_starts)
		return starts - c->engine_starts;
	if (starts < c->engine_starts)
		return starts + 1;
	return c->started_unix_ms != 0 && facts->started_unix_ms != c->started_unix_ms ? 1 : 0;
}

static void describe(crashes *c, const container_facts *facts)
{
	if (!facts->running && facts->exit_text[0])
		memcpy(c->last_end, facts->exit_text, sizeof(c->last_end));
	if (c->is_loop)
		(void)snprintf(c->text, sizeof(c->text), "%s, %u restart%s",
		    c->last_end[0] ? c->last_end : "exited", c->restarts, c->restarts == 1 ? "" : "s");
}

void crashes_observe(crashes *c, const container_facts *facts, sot_mono now)
{
	/* The Engine counts at the end of a process, before the pause and the next start. */
	uint32_t ends = facts->engine_restarts;
	uint32_t starts = facts->engine_restarts_it && ends > 0 ? ends - 1 : ends;
	bool is_known = strcmp(c->container_id, facts->id) == 0;
	bool rests = !facts->running && !facts->engine_restarts_it;

	if (is_known && rests && facts->started_unix_ms == c->started_unix_ms) {
		describe(c, facts);
		return; /* stopped in the pause: the start that was counted on never came */
	}
	c->restarts += is_known ? starts_since(c, facts, starts) : starts;
	if (is_known)
		note_ends(c, ends >= c->engine_ends ? ends - c->engine_ends : ends, now);
	memcpy(c->container_id, facts->id, sizeof(c->container_id));
	c->started_unix_ms = facts->started_unix_ms;
	c->engine_ends = ends;
	c->engine_starts = starts;
	describe(c, facts);
}

void crashes_forgive(crashes *c)
{
	c->is_loop = false;
	c->ends_count = 0;
	c->text[0] = c->last_end[0] = '\0';
}
