/* Whole sets for agents that come (back): at most so many a second, the most urgent first.
 *
 * When many hosts return at once each needs its whole set. A token bucket spreads that work, so
 * that requests and statuses are served in between. Hosts on which something is to be started go
 * before hosts that run something, those before empty ones.
 */
#include "assign.h"
#include "parts.h"

#define BURST_PART 5 /* a fifth of a second's tokens may be saved up */
#define TOKEN 1000   /* so that milliseconds count without fractions */

void greetings_init(controller *c)
{
	for (int k = 0; k < GREETING_URGENCIES; k++)
		sot_list_init(&c->greetings.lines[k]);
	c->greetings.tokens = (int64_t)c->config.syncs_per_s * TOKEN / BURST_PART;
}

static int urgency_of(const host *h)
{
	if (h->starts.flying > 0 || !sot_list_empty(&h->starts.parked) || !sot_list_empty(&h->pushes))
		return 0;
	return sot_list_empty(&h->instances) ? 2 : 1;
}

void greeting_ask(controller *c, host *h)
{
	if (!sot_list_empty(&h->greeting))
		return;
	sot_list_push(&c->greetings.lines[urgency_of(h)], &h->greeting);
	c->greetings.waiting++;
}

bool greeting_is_due(const host *h)
{
	return !sot_list_empty(&h->greeting);
}

static void refill(controller *c)
{
	int64_t most = (int64_t)c->config.syncs_per_s * TOKEN / BURST_PART;
	int64_t passed_ms = sot_mono_diff_ms(c->now.mono, c->greetings.refilled);

	c->greetings.refilled = c->now.mono;
	c->greetings.tokens += passed_ms * (int64_t)c->config.syncs_per_s;
	if (passed_ms < 0 || c->greetings.tokens > most)
		c->greetings.tokens = most;
}

static host *next_host(controller *c)
{
	for (int k = 0; k < GREETING_URGENCIES; k++) {
		sot_link *line = &c->greetings.lines[k];
		if (sot_list_empty(line))
			continue;
		host *h = SOT_CONTAINER(line->next, host, greeting);
		sot_list_remove(&h->greeting);
		c->greetings.waiting--;
		return h;
	}
	return NULL;
}

void greetings_send(controller *c)
{
	host *h;

	if (c->greetings.waiting == 0)
		return;
	refill(c);
	while (c->greetings.tokens >= TOKEN && (h = next_host(c))) {
		if (!h->has_session)
			continue; /* it will say hello again */
		c->greetings.tokens -= TOKEN;
		assign_full(c, h);
	}
}
