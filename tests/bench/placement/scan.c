/* First fit, best fit, worst fit and dot product by a full scan: the peers of the core. */
#include "traces.h"

#include "sot_mem.h"

#include <stdlib.h>
#include <string.h>

enum { APPS_MAX = 128 }; /* different apps on one host */

typedef struct scan_host {
	int32_t left[TRACE_DIMS];
	uint32_t apps[APPS_MAX], counts[APPS_MAX], app_count;
	int32_t *used; /* slots of cpu, then of memory */
} scan_host;

struct scan {
	const trace *trace;
	scan_host *hosts;
	uint32_t *rules_of; /* first rule of each shape as `a` */
	double mean[TRACE_DIMS];
};

const char *const policy_names[POLICIES] = {
    "first fit", "best fit", "worst fit", "dot product", "core"};

scan *scan_new(const trace *t)
{
	scan *s = sot_alloc(sizeof(*s));

	s->trace = t;
	s->hosts = sot_alloc_array(t->hosts, sizeof(*s->hosts));
	s->rules_of = sot_alloc_array(t->shapes + 2u, sizeof(uint32_t));
	for (uint32_t h = 0; h < t->hosts; h++) {
		memcpy(s->hosts[h].left, t->host[h], sizeof(t->host[h]));
		s->hosts[h].used = sot_alloc_array(t->slots * 2 + 1, sizeof(int32_t));
		for (int d = 0; d < TRACE_DIMS; d++)
			s->mean[d] += (double)t->host[h][d] / t->hosts;
	}
	for (uint32_t r = 0; r < t->rules; r++)
		s->rules_of[t->rule[r].a + 1]++;
	for (uint32_t a = 0; a < t->shapes; a++)
		s->rules_of[a + 1] += s->rules_of[a];
	return s;
}

scan *scan_free(scan *s)
{
	for (uint32_t h = 0; h < s->trace->hosts; h++)
		free(s->hosts[h].used);
	free(s->hosts);
	free(s->rules_of);
	free(s);
	return NULL;
}

static uint32_t limit_between(const scan *s, uint32_t a, uint32_t b)
{
	for (uint32_t r = s->rules_of[a]; r < s->rules_of[a + 1]; r++) {
		if (s->trace->rule[r].b == b)
			return s->trace->rule[r].k;
	}
	return UINT32_MAX;
}

static bool rules_allow(const scan *s, const scan_host *h, uint32_t app)
{
	uint32_t own = 0;

	for (uint32_t i = 0; i < h->app_count; i++)
		own = h->apps[i] == app ? h->counts[i] : own;
	if (own + 1 > limit_between(s, app, app))
		return false;
	for (uint32_t i = 0; i < h->app_count; i++) {
		if (h->apps[i] != app && (own + 1 > limit_between(s, h->apps[i], app) ||
		                             h->counts[i] > limit_between(s, app, h->apps[i])))
			return false;
	}
	return true;
}

static bool amounts_allow(const scan *s, uint32_t host, uint32_t shape)
{
	const trace *t = s->trace;
	const scan_host *h = &s->hosts[host];
	const int32_t *day = t->days + (size_t)shape * 2 * t->slots;

	for (int d = t->slots ? 2 : 0; d < TRACE_DIMS; d++) {
		if (h->left[d] < t->shape[shape][d])
			return false;
	}
	for (uint32_t i = 0; i < 2 * t->slots; i++) {
		if (h->used[i] + day[i] > t->host[host][i >= t->slots])
			return false;
	}
	return true;
}

/* Small is good. Shares of the mean host. */
static double score(const scan *s, policy_kind policy, const scan_host *h, const int32_t *need)
{
	double left = 0, dot = 0;

	for (int d = 0; d < TRACE_DIMS; d++) {
		if (s->mean[d] <= 0)
			continue;
		left += (h->left[d] - need[d]) / s->mean[d];
		dot += h->left[d] / s->mean[d] * need[d] / s->mean[d];
	}
	switch (policy) {
	case POLICY_BEST_FIT:
		return left;
	case POLICY_WORST_FIT:
		return -left;
	case POLICY_DOT_PRODUCT:
		return -dot;
	default:
		return 0;
	}
}

static void book(scan *s, uint32_t host, uint32_t shape)
{
	const trace *t = s->trace;
	scan_host *h = &s->hosts[host];
	const int32_t *day = t->days + (size_t)shape * 2 * t->slots;
	uint32_t at = 0;

	for (int d = 0; d < TRACE_DIMS; d++)
		h->left[d] -= t->shape[shape][d];
	for (uint32_t i = 0; i < 2 * t->slots; i++)
		h->used[i] += day[i];
	for (uint32_t d = 0; t->slots && d < 2; d++) {
		int32_t peak = 0;
		for (uint32_t i = d * t->slots; i < (d + 1) * t->slots; i++)
			peak = h->used[i] > peak ? h->used[i] : peak;
		h->left[d] = t->host[host][d] - peak;
	}
	while (at < h->app_count && h->apps[at] != shape)
		at++;
	if (at == h->app_count) {
		if (at == APPS_MAX)
			trace_die("a host", "too many different apps");
		h->apps[at] = shape;
		h->counts[at] = 0;
		h->app_count++;
	}
	h->counts[at]++;
}

uint32_t scan_place(scan *s, policy_kind policy, uint32_t shape)
{
	const trace *t = s->trace;
	uint32_t best = PLACER_NONE;
	double best_score = 0;

	for (uint32_t h = 0; h < t->hosts; h++) {
		double own = score(s, policy, &s->hosts[h], t->shape[shape]);
		if ((best != PLACER_NONE && own >= best_score) || !amounts_allow(s, h, shape) ||
		    !rules_allow(s, &s->hosts[h], shape))
			continue;
		best = h;
		best_score = own;
		if (policy == POLICY_FIRST_FIT)
			break;
	}
	if (best != PLACER_NONE)
		book(s, best, shape);
	return best;
}
