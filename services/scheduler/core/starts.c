/* Starts in flight: so many per host, per image that hosts must pull first, per rack, in all.
 *
 * A start is in flight from the order to its agent until the instance runs, has failed, or its
 * deadline is over; whoever asked for it may be gone by then. What has to wait stands in the line
 * of its app; teams take turns, and within a team its apps do (an app without a team is a team of
 * its own), so that a single start waits for no more than one grant of each other team. A start
 * whose host, rack or image has no slot left is parked there and comes back to its line when one is
 * given back.
 *
 * Memory only: at a take-over what is in flight is read from the instances' rows.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct start_team {
	sot_link ring; /* in controller.starts.teams while an app of it has something ready */
	sot_link apps;
	char key[40];
};

static void gauge_init(start_gauge *g)
{
	sot_list_init(&g->parked);
	g->flying = 0;
}

void starts_init(controller *c)
{
	c->starts.racks = sot_map_new();
	c->starts.images = sot_map_new();
	c->starts.by_team = sot_map_new();
	sot_list_init(&c->starts.teams);
	sot_list_init(&c->starts.flying);
	gauge_init(&c->starts.all);
}

static void free_values(sot_map *map)
{
	sot_map_iter it = {0};
	void *value;

	while ((value = sot_map_next(map, &it, NULL)))
		free(value);
	sot_map_free(map);
}

void starts_clear(controller *c)
{
	free_values(c->starts.racks);
	free_values(c->starts.images);
	free_values(c->starts.by_team);
}

void start_init_host(host *h)
{
	gauge_init(&h->starts);
}

void start_init_app(app *a)
{
	sot_list_init(&a->starts.ready);
	sot_list_init(&a->starts.in_team);
}

static start *start_new(instance *i)
{
	start *s = sot_alloc(sizeof(*s));

	s->of = i;
	sot_list_init(&s->line);
	sot_list_init(&s->all);
	return s;
}

/* ---- the four limits ---- */

static start_gauge *gauge_of(sot_map *map, const char *key)
{
	start_gauge *g = sot_map_get_c(map, key);

	if (g)
		return g;
	g = sot_alloc(sizeof(*g));
	gauge_init(g);
	sot_map_set(map, key, strlen(key), g);
	return g;
}

static start_gauge *rack_of(controller *c, const host *h)
{
	char key[72];

	(void)snprintf(key, sizeof(key), "%s/%s", h->row.az, h->row.rack);
	return gauge_of(c->starts.racks, key);
}

static uint32_t host_limit(const controller *c, const host *h)
{
	const host_class_row *class = sot_map_get_c(c->host_classes, h->row.class);

	return class && class->max_starts > 0 ? class->max_starts : c->config.starts_per_host;
}

static bool is_full(const start_gauge *g, uint32_t limit)
{
	return limit > 0 && g->flying >= limit;
}

/* The start makes its host pull the image: no container of it is there, and no other start that
 * pulls it. */
static bool has_to_pull(const instance *i)
{
	for (const sot_link *l = i->host->instances.next; l != &i->host->instances; l = l->next) {
		const instance *other = SOT_CONTAINER(l, instance, of_host);
		if (strcmp(other->row.make->image, i->row.make->image) == 0 &&
		    (other->row.has_container || (other->start && other->start->pull)))
			return false;
	}
	return true;
}

/* The first limit that leaves no room for the start, NULL when all do; what it is, in words. */
static start_gauge *obstacle(controller *c, const instance *i, char why[static 200])
{
	start_gauge *rack = rack_of(c, i->host);
	start_gauge *pull = has_to_pull(i) ? sot_map_get_c(c->starts.images, i->row.make->image) : NULL;
	uint32_t limit = host_limit(c, i->host);

	if (is_full(&i->host->starts, limit)) {
		(void)snprintf(why, 200, "a start slot on host %s: %u of %u in flight", i->host->row.name,
		    i->host->starts.flying, limit);
		return &i->host->starts;
	}
	if (is_full(rack, c->config.starts_per_rack)) {
		(void)snprintf(why, 200, "a start slot in rack %s of zone %s: %u of %u in flight",
		    i->host->row.rack, i->host->row.az, rack->flying, c->config.starts_per_rack);
		return rack;
	}
	if (pull && is_full(pull, c->config.pulls_per_image)) {
		(void)snprintf(why, 200, "a slot to pull image %.100s: %u of %u in flight",
		    i->row.make->image, pull->flying, c->config.pulls_per_image);
		return pull;
	}
	return NULL;
}

/* ---- lines ---- */

static start_team *team_of(controller *c, const app *a)
{
	start_team fresh = {.key = ""};

	(void)snprintf(fresh.key, sizeof(fresh.key), "%s%s", a->row.team[0] ? "team " : "app ",
	    a->row.team[0] ? a->row.team : a->row.name);
	start_team *t = sot_map_get_c(c->starts.by_team, fresh.key);
	if (t)
		return t;
	t = sot_alloc(sizeof(*t));
	*t = fresh;
	sot_list_init(&t->ring);
	sot_list_init(&t->apps);
	sot_map_set(c->starts.by_team, t->key, strlen(t->key), t);
	return t;
}

/* Nothing of it is ready: it leaves the ring, and is made again when something is. */
static void forget_if_idle(controller *c, start_team *t)
{
	if (!sot_list_empty(&t->apps))
		return;
	sot_list_remove(&t->ring);
	sot_map_remove(c->starts.by_team, t->key, strlen(t->key));
	free(t);
}

static void push_once(sot_link *list, sot_link *l)
{
	if (sot_list_empty(l))
		sot_list_push(list, l);
}

static void stand_in_line(controller *c, instance *i)
{
	app *a = i->app;

	/* An app that is given to another team stays where it stands until its line is empty. */
	if (sot_list_empty(&a->starts.in_team))
		a->starts.team = team_of(c, a);
	sot_list_push(&a->starts.ready, &i->start->line);
	push_once(&a->starts.team->apps, &a->starts.in_team);
	push_once(&c->starts.teams, &a->starts.team->ring);
}

/* Takes the next of the next app of the next team; both go to the end of their rings while they
 * have more. NULL when nothing is ready. */
static instance *next_ready(controller *c)
{
	if (sot_list_empty(&c->starts.teams))
		return NULL;
	start_team *t = SOT_CONTAINER(c->starts.teams.next, start_team, ring);
	sot_list_remove(&t->ring);
	app *a = SOT_CONTAINER(t->apps.next, app, starts.in_team);
	sot_list_remove(&a->starts.in_team);
	instance *i = SOT_CONTAINER(a->starts.ready.next, start, line)->of;
	sot_list_remove(&i->start->line);
	if (!sot_list_empty(&a->starts.ready))
		sot_list_push(&t->apps, &a->starts.in_team);
	sot_list_push(&c->starts.teams, &t->ring);
	forget_if_idle(c, t);
	return i;
}

static void unpark(controller *c, start_gauge *g)
{
	while (!sot_list_empty(&g->parked)) {
		instance *i = SOT_CONTAINER(g->parked.next, start, line)->of;
		sot_list_remove(&i->start->line);
		stand_in_line(c, i);
	}
}

/* ---- in flight ---- */

static void take_off(controller *c, instance *i)
{
	i->start->flies = true;
	i->start->host = i->host;
	i->start->rack = rack_of(c, i->host);
	i->start->pull = has_to_pull(i) ? gauge_of(c->starts.images, i->row.make->image) : NULL;
	i->start->since = c->now.mono;
	i->host->starts.flying++;
	i->start->rack->flying++;
	if (i->start->pull)
		i->start->pull->flying++;
	c->starts.all.flying++;
	sot_list_push(&c->starts.flying, &i->start->all);
}

static void give_back(controller *c, instance *i)
{
	i->start->host->starts.flying--;
	i->start->rack->flying--;
	c->starts.all.flying--;
	unpark(c, &i->start->host->starts);
	unpark(c, i->start->rack);
	if (i->start->pull) {
		unpark(c, i->start->pull);
		if (--i->start->pull->flying == 0)
			free(sot_map_remove(c->starts.images, i->row.make->image, strlen(i->row.make->image)));
	}
	i->start->pull = NULL;
	sot_list_remove(&i->start->all);
}

/* No operation need be there to give the order: who moved starts by itself. */
static void tell_arrived(controller *c, instance *i)
{
	if (!i->arrived)
		return;
	i->arrived = i->held = false;
	model_spec_changed(c, i);
}

void start_arrived(controller *c, instance *i)
{
	char why[200];

	if (i->row.desired != SOT_DESIRED_STATE_RUNNING)
		return;
	start_over(c, i);
	i->arrived = i->held = true;
	(void)start_may(c, i, why);
}

void starts_grant(controller *c)
{
	char why[200];
	instance *i;

	while (!is_full(&c->starts.all, c->config.starts_in_all) && (i = next_ready(c))) {
		start_gauge *full = obstacle(c, i, why);
		if (full) {
			sot_list_push(&full->parked, &i->start->line);
			continue;
		}
		c->starts.waiting--;
		take_off(c, i);
		tell_arrived(c, i);
		wake_app(c, i->app);
	}
}

bool start_may(controller *c, instance *i, char why[static 200])
{
	if (!i->host)
		return true;
	if (!i->start) {
		i->start = start_new(i);
		c->starts.waiting++;
		stand_in_line(c, i);
		starts_grant(c);
	}
	if (i->start->flies)
		return true;
	if (!obstacle(c, i, why))
		(void)snprintf(why, 200, "a start slot: %u of %u in flight", c->starts.all.flying,
		    c->config.starts_in_all);
	return false;
}

void start_over(controller *c, instance *i)
{
	if (i->start && i->start->flies) {
		give_back(c, i);
	} else if (i->start) {
		c->starts.waiting--;
		sot_list_remove(&i->start->line);
		if (sot_list_empty(&i->app->starts.ready) && !sot_list_empty(&i->app->starts.in_team)) {
			sot_list_remove(&i->app->starts.in_team);
			forget_if_idle(c, i->app->starts.team);
		}
	}
	free(i->start);
	i->start = NULL;
	if (i->arrived && i->row.desired != SOT_DESIRED_STATE_RETIRED)
		tell_arrived(c, i);
}

void start_adopt(controller *c, instance *i)
{
	if (i->start || !i->host)
		return;
	i->start = start_new(i);
	take_off(c, i);
}

/* The oldest starts are the first of the list. */
void starts_tick(controller *c)
{
	while (!sot_list_empty(&c->starts.flying)) {
		instance *i = SOT_CONTAINER(c->starts.flying.next, start, all)->of;
		if (sot_mono_diff_ms(c->now.mono, i->start->since) < c->config.start_deadline_ms)
			break;
		start_over(c, i);
	}
	starts_grant(c);
}
