/* placer_search - one search for a host, and again without those already found. Private. */
#ifndef SCHEDULER_PLACER_SEARCH_H
#define SCHEDULER_PLACER_SEARCH_H

#include "placer_internal.h"

/* What is compared, in this order. */
typedef struct search_key {
	uint32_t zone, rack, host; /* tiers */
	int32_t cost;
	uint32_t id;
} search_key;

typedef struct search {
	placer *p;
	const app *app;
	uint32_t app_id;
	request_class *class;
	ceilings limits;
	bool prefer[PLACER_LEVELS];
	bool by_zone; /* some rule on zones: one after the other */
	bool marked;  /* some rule on racks or hosts: those with the app are looked at apart */
	uint32_t zone_count, mark;
	uint32_t marked_zones; /* of those in order: their racks with the app are marked */
	uint32_t apart_count;  /* blocks that are looked at apart */
	uint32_t excluded[PLACER_RUNNERS_UP + 1];
	uint32_t excluded_count;
	search_key best;
} search;

/* Brings the class up to date; the search is valid until the placer changes. */
void search_begin(search *s, placer *p, uint32_t app_id);
/* The best host that is not excluded, PLACER_NONE for none. */
uint32_t search_run(search *s);
/* The host is left out of the next runs; at most PLACER_RUNNERS_UP + 1. */
void search_exclude(search *s, uint32_t host_id);

#endif
