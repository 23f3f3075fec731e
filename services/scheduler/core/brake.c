/* The brake: when many hosts fall silent together, the fault is rather in what is common to them
 * than in each of them, and replacing all they run would make it worse. Replacement then stops
 * until an operator releases it, or until the hosts are back.
 *
 *   off --more than max(1, brake_percent of the hosts), or brake_hosts of them, silent at once-->
 * on on --released by an operator--> off, for those that are silent now on --no more than that are
 * silent any more--> off
 *
 * Silent at once: lost (the agent or the host), and fallen silent within brake_window_ms.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_counted(const host *h)
{
	return !h->is_excused && (h->row.state == HOST_AGENT_LOST || h->row.state == HOST_HOST_LOST);
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The most hosts that fell silent within one window, and how many hosts there are. */
static size_t count_silent(const controller *c, size_t *ret_hosts)
{
	int64_t *since = sot_alloc_array(sot_index_count(c->hosts) + 1, sizeof(*since));
	size_t n = 0, most = 0, first = 0;

	*ret_hosts = 0;
	for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		const host *h = SOT_CONTAINER(l, host, all);
		*ret_hosts += h->row.state != HOST_RETIRED && h->row.state != HOST_REGISTERED;
		if (is_counted(h))
			since[n++] = h->last_seen.ms;
	}
	qsort(since, n, sizeof(*since), by_time);
	for (size_t k = 0; k < n; k++) {
		while (since[k] - since[first] > c->config.brake_window_ms)
			first++;
		if (k - first + 1 > most)
			most = k - first + 1;
	}
	free(since);
	return most;
}

static void say_brake(controller *c, const char *reason)
{
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data, "{\"engaged\":%s,\"reason\":", c->brake.row.engaged ? "true" : "false");
	sot_buf_add_json(&data, sot_str_c(reason));
	sot_buf_add_c(&data, "}");
	say_event(c, "brake.state", "replacement", NULL, NULL, NULL, &data);
}

static void set_brake(controller *c, bool engaged, const char *reason)
{
	c->brake.row.engaged = engaged;
	model_copy_text(c->brake.row.reason, sizeof(c->brake.row.reason), sot_str_c(reason));
	c->brake.row.since_unix_ms = c->now.wall.unix_ms;
	c->brake.is_dirty = true;
	say_brake(c, reason);
	wake_host_operations(c);
}

void brake_look(controller *c)
{
	size_t hosts, silent = count_silent(c, &hosts);
	size_t share = hosts * (size_t)c->config.brake_percent / 100;
	bool is_too_many = silent > (share > 1 ? share : 1) || silent >= (size_t)c->config.brake_hosts;
	char why[200];

	if (is_too_many && !c->brake.row.engaged) {
		(void)snprintf(why, sizeof(why),
		    "%zu of %zu hosts fell silent within %lld s: nothing is replaced until they are back "
		    "or "
		    "`sotalia brake release`",
		    silent, hosts, (long long)(c->config.brake_window_ms / 1000));
		set_brake(c, true, why);
	} else if (!is_too_many && c->brake.row.engaged) {
		set_brake(c, false, "the hosts are back");
	}
}

void brake_excuse_silent(controller *c)
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		h->is_excused = is_counted(h) || h->is_excused;
	}
}

void brake_release(controller *c, const char *why)
{
	brake_excuse_silent(c);
	set_brake(c, false, why);
}
