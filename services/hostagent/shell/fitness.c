#include "fitness.h"

#include <stdlib.h>

#include "machine.h"
#include "preflight.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "views.h"

enum {
	FIRST_MS = 5000, /* by then LXCFS was looked at */
	AGAIN_MS = 3600000,
	INFO_MS = 5000,
	INFO_MAX = 1024 * 1024,
	FACTS_MAX = 64 * 1024,
	FINDINGS_MAX = 16 * 1024
};

struct fitness {
	agent *a;
	reactor_watch *timer;
	bool is_asking;
	sot_buf findings;
	sot_metric *count;
	size_t found;
};

static void note(void *self, const preflight_rule *r, sot_str seen)
{
	fitness *f = self;
	(void)seen;
	f->found++;
	sot_log(r->severity == PREFLIGHT_NOTE ? SOT_INFO : SOT_WARN, "preflight.found",
	    "id=%s severity=%s", r->id, preflight_severity_name(r->severity));
}

/* Told in the log when it is not what it was. */
static void judge(fitness *f, sot_str facts)
{
	SOT_AUTO_BUF now;
	sot_buf_init(&now, FINDINGS_MAX);
	preflight_render_json(facts, &now);
	if (sot_str_eq(sot_buf_str(&now), sot_buf_str(&f->findings)))
		return;
	f->found = 0;
	(void)preflight_judge(facts, note, f);
	sot_metric_set(f->count, (int64_t)f->found);
	sot_buf_reset(&f->findings);
	sot_buf_add_str(&f->findings, sot_buf_str(&now));
}

static void on_info(void *self, const docker_reply *reply)
{
	fitness *f = self;
	const char *why;
	SOT_AUTO_BUF facts;
	sot_buf_init(&facts, FACTS_MAX);
	f->is_asking = false;
	if (f->a->ending)
		return;
	bool is_up = views_are_up(f->a->views, &why);
	machine_facts_read(f->a->config, *f->a->config->lxcfs_dir ? &is_up : NULL, &facts);
	machine_facts_docker(reply->code == SOT_OK ? reply->body : (sot_str){0}, &facts);
	judge(f, sot_buf_str(&facts));
}

static void look(void *self, uint64_t missed)
{
	fitness *f = self;
	docker_request q = {
	    .method = "GET", .path = "/info", .deadline_ms = INFO_MS, .body_max = INFO_MAX};
	(void)missed;
	if (!f->is_asking)
		f->is_asking = docker_send(f->a->docker, &q, on_info, f, NULL) == SOT_OK;
	reactor_rearm_ms(f->timer, AGAIN_MS);
}

sot_str fitness_findings(const fitness *f)
{
	return sot_buf_str(&f->findings);
}

fitness *fitness_new(agent *a)
{
	fitness *f = sot_alloc(sizeof(*f));
	f->a = a;
	sot_buf_init(&f->findings, FINDINGS_MAX);
	f->count = sot_gauge("sot_hostagent_findings", NULL, "What preflight finds on this host");
	f->timer = reactor_after_ms(a->loop, FIRST_MS, look, f);
	return f;
}

fitness *fitness_free(fitness *f)
{
	if (f) {
		reactor_remove(f->timer);
		sot_buf_clear(&f->findings);
		free(f);
	}
	return NULL;
}
