#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cat_files.h"
#include "docker_json.h"
#include "images.h"
#include "layout.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "watch.h"
#include "wiring.h"

enum {
	CREATE_MS = 30000,
	START_MS = 30000,
	STOP_MARGIN_MS = 10000,
	CREATE_BODY_MAX = 512 * 1024,
	LIMITS_BODY_MAX = 16 * 1024,
	GRACE_MAX_S = 300
};

typedef struct step {
	agent *a;
	action_kind kind;
	desired_instance *want;
	char container_id[PLAN_SHA256_TEXT];
	cpus processors;
	sot_code code;
	sot_err err;
	sot_mono begun;
} step;

static void step_end(step *s, bool observed)
{
	agent *a = s->a;
	sot_uuid id = s->want->spec.instance_id;
	sot_level level = s->code == SOT_OK ? SOT_INFO : SOT_WARN;
	long long took_ms = (long long)sot_mono_diff_ms(reactor_now(a->loop), s->begun);
	if (s->code == SOT_OK)
		sot_log(level, "step.done", "step=%s name=%.*s took_ms=%lld", action_name(s->kind),
		    SOT_ARG(s->want->spec.name), took_ms);
	else
		sot_log_err(level, "step.failed", &s->err, "step=%s name=%.*s took_ms=%lld",
		    action_name(s->kind), SOT_ARG(s->want->spec.name), took_ms);
	reconcile_finished(a->reconcile, id, s->code, &s->err, observed, reactor_now(a->loop));
	a->steps_in_flight--;
	desired_instance_unref(s->want);
	free(s);
	agent_pump(a);
}

static void after_refresh(void *self, bool observed)
{
	step_end(self, observed);
}

/* The step's own end: its facts are read again before anything more is decided. */
static void finish(step *s, sot_code code, const sot_err *why)
{
	s->code = code;
	if (code != SOT_OK && why && why != &s->err)
		s->err = *why;
	container_watch_refresh(s->a, s->want->spec.instance_id, after_refresh, s);
}

/* Of a step that wrote files, in this turn: the Engine has nothing new to say. */
static void finish_files(step *s)
{
	container_watch_refresh_files(s->a, s->want->spec.instance_id);
	step_end(s, true);
}

static sot_code send(step *s, const char *method, const char *path, sot_str body,
    int64_t deadline_ms, docker_done_fn done)
{
	docker_request q = {.method = method, .path = path, .body = body, .deadline_ms = deadline_ms};
	return docker_send(s->a->docker, &q, done, s, &s->err);
}

static void on_done(void *self, const docker_reply *reply)
{
	finish(self, reply->code, reply->why);
}

/* ---- image ---- */

static void on_image(void *self, sot_code code, const sot_err *why)
{
	finish(self, code, why);
}

/* ---- package ---- */

static void on_package(void *self, sot_code code, const sot_err *why)
{
	step *s = self;
	/* Other instances of the app wait for the same files. */
	if (code == SOT_OK)
		container_watch_reread_files(s->a);
	finish(s, code, why);
}

static sot_code begin_package(step *s)
{
	plan_package next;
	size_t there = 0;
	if (!layout_next_package(s->a->config->state_dir, &s->want->spec, &there, &next))
		return sot_fail(&s->err, SOT_CONFLICT, "all packages are here already");
	if (s->kind == ACTION_UNPACK)
		return packages_unpack(s->a->packages, next.sha256, on_package, s, &s->err);
	return packages_fetch(s->a->packages, next.sha256, next.size_bytes, on_package, s, &s->err);
}

/* ---- container ---- */

/* A name that is taken is our own container, made by a create whose answer was lost: its labels are
 * read at the refresh, which adopts it. */
static void on_created(void *self, const docker_reply *reply)
{
	SOT_FAILPOINT_HIT("hostagent.create.after_create");
	finish(self, reply->code == SOT_CONFLICT ? SOT_OK : reply->code, reply->why);
}

static sot_code begin_create(step *s, sot_err *err)
{
	char name[PLAN_CONTAINER_NAME_MAX], path[128];
	SOT_AUTO_BUF body;
	const sot_instance_spec *spec = &s->want->spec;
	sot_buf_init(&body, CREATE_BODY_MAX);
	SOT_FAILPOINT("hostagent.create.before_folders", err);
	sot_code code = layout_make_instance(s->a->config->state_dir, spec, err);
	docker_json_setup setup = {.state_dir = s->a->config->state_dir,
	    .epoch = desired_epoch(s->a->desired),
	    .processors = s->processors};
	if (code == SOT_OK)
		code = docker_json_create(spec, &setup, &body, err);
	if (code != SOT_OK)
		return code;
	SOT_FAILPOINT("hostagent.create.before_create", err);
	(void)snprintf(path, sizeof(path), "/containers/create?name=%s",
	    plan_container_name(spec->instance_id, name));
	return send(s, "POST", path, sot_buf_str(&body), CREATE_MS, on_created);
}

static void on_started(void *self, const docker_reply *reply)
{
	SOT_FAILPOINT_HIT("hostagent.start.after_start");
	finish(self, reply->code, reply->why);
}

static sot_code begin_start(step *s, sot_err *err)
{
	char path[160];
	SOT_FAILPOINT("hostagent.start.before_start", err);
	(void)snprintf(path, sizeof(path), "/containers/%s/start", s->container_id);
	return send(s, "POST", path, (sot_str){0}, START_MS, on_started);
}

/* The app's own word, in its environment, or this host's. */
static int64_t grace_of(const step *s)
{
	const sot_instance_spec *spec = &s->want->spec;
	uint64_t grace_s = 0;
	for (size_t i = 0; i < spec->env_count; i++)
		if (sot_str_eq_c(spec->env[i].name, "SOTALIA_STOP_GRACE_S") &&
		    sot_parse_u64(spec->env[i].value, 1, GRACE_MAX_S, &grace_s, NULL) == SOT_OK)
			return (int64_t)grace_s;
	return s->a->config->stop_grace_s;
}

static sot_code begin_stop_or_restart(step *s, sot_err *err)
{
	char path[160];
	int64_t grace_s = grace_of(s);
	if (s->kind == ACTION_STOP)
		SOT_FAILPOINT("hostagent.stop.before_stop", err);
	else
		SOT_FAILPOINT("hostagent.restart.before_restart", err);
	(void)snprintf(path, sizeof(path), "/containers/%s/%s?t=%lld", s->container_id,
	    s->kind == ACTION_STOP ? "stop" : "restart", (long long)grace_s);
	int64_t deadline_ms =
	    grace_s * 1000 + STOP_MARGIN_MS + (s->kind == ACTION_RESTART ? START_MS : 0);
	return send(s, "POST", path, (sot_str){0}, deadline_ms, on_done);
}

/* One that is still, or goes on, already: the Engine says conflict, and the refresh tells. */
static void on_held(void *self, const docker_reply *reply)
{
	finish(self, reply->code == SOT_CONFLICT ? SOT_OK : reply->code, reply->why);
}

static sot_code begin_freeze_or_thaw(step *s, sot_err *err)
{
	char path[160];
	SOT_FAILPOINT("hostagent.freeze.before_freeze", err);
	(void)snprintf(path, sizeof(path), "/containers/%s/%s", s->container_id,
	    s->kind == ACTION_FREEZE ? "pause" : "unpause");
	return send(s, "POST", path, (sot_str){0}, CREATE_MS, on_held);
}

static sot_code begin_update(step *s, sot_err *err)
{
	char path[160];
	SOT_AUTO_BUF body;
	SOT_FAILPOINT("hostagent.update.before_update", err);
	sot_buf_init(&body, LIMITS_BODY_MAX);
	sot_code code = docker_json_limits(&s->want->spec, &s->processors, &body, err);
	if (code != SOT_OK)
		return code;
	(void)snprintf(path, sizeof(path), "/containers/%s/update", s->container_id);
	return send(s, "POST", path, sot_buf_str(&body), CREATE_MS, on_done);
}

static void on_removed(void *self, const docker_reply *reply)
{
	step *s = self;
	SOT_FAILPOINT_HIT("hostagent.remove.after_remove");
	if (reply->code == SOT_OK || reply->code == SOT_NOT_FOUND) {
		layout_remove_record(s->a->config->state_dir, s->container_id);
		finish(s, SOT_OK, NULL);
		return;
	}
	finish(s, reply->code, reply->why);
}

static sot_code begin_remove(step *s, sot_err *err)
{
	char path[160];
	SOT_FAILPOINT("hostagent.remove.before_remove", err);
	(void)snprintf(path, sizeof(path), "/containers/%s", s->container_id);
	return send(s, "DELETE", path, (sot_str){0}, CREATE_MS, on_removed);
}

/* ---- files only ---- */

/* What the instance did to its own folder keeps it from CAT, never from starting. */
static void write_cat_files(const step *s)
{
	sot_err err;
	if (cat_files_write(s->a->config->state_dir, s->want->spec.instance_id,
	        s->a->config->cat_servers, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "cat.files", &err, "instance=%.*s", SOT_ARG(s->want->spec.name));
}

static sot_code do_files(step *s, sot_err *err)
{
	const char *state_dir = s->a->config->state_dir;
	const vlan *network = vlans_get(s->a->vlans, s->want->spec.vlan_id);
	if (s->kind == ACTION_RECORD && !network)
		return sot_fail(err, SOT_INTERNAL, "a record for a VLAN that nobody needs");
	if (s->kind == ACTION_RECORD) {
		write_cat_files(s);
		return layout_write_record(state_dir, &network->wire, &s->want->spec,
		    sot_buf_str(&s->a->host_resolv), s->container_id, err);
	}
	SOT_FAILPOINT("hostagent.clear.before_clear", err);
	return layout_retire(state_dir, s->want->spec.instance_id, err);
}

/* Of a process that runs, the port follows its new record; any other is wired when it starts. */
static bool is_running(const step *s)
{
	const instance *i = reconcile_find(s->a->reconcile, s->want->spec.instance_id);
	const container_facts *container = i ? instance_container(i) : NULL;
	return container && container->running;
}

static sot_code begin(step *s)
{
	switch (s->kind) {
	case ACTION_IMAGE:
		return image_have(s->a, s->want->spec.image, on_image, s, &s->err);
	case ACTION_FETCH:
	case ACTION_UNPACK:
		return begin_package(s);
	case ACTION_CREATE:
		return begin_create(s, &s->err);
	case ACTION_START:
		return begin_start(s, &s->err);
	case ACTION_STOP:
	case ACTION_RESTART:
		return begin_stop_or_restart(s, &s->err);
	case ACTION_UPDATE:
		return begin_update(s, &s->err);
	case ACTION_FREEZE:
	case ACTION_THAW:
		return begin_freeze_or_thaw(s, &s->err);
	case ACTION_REMOVE:
		return begin_remove(s, &s->err);
	case ACTION_RECORD:
	case ACTION_CLEAR: {
		sot_code code = do_files(s, &s->err);
		if (code == SOT_OK && s->kind == ACTION_RECORD && is_running(s))
			wiring_check_soon(s->a->wiring);
		if (code == SOT_OK)
			finish_files(s);
		return code;
	}
	default:
		return sot_fail(&s->err, SOT_INTERNAL, "no such step");
	}
}

void steps_begin(agent *a, const action *next)
{
	step *s = sot_alloc(sizeof(*s));
	s->a = a;
	s->kind = next->kind;
	s->want = desired_instance_ref(next->want);
	s->begun = reactor_now(a->loop);
	s->processors = next->processors;
	memcpy(s->container_id, next->container_id, sizeof(s->container_id));
	a->steps_in_flight++;
	sot_code code = begin(s);
	if (code != SOT_OK)
		finish(s, code, &s->err);
}
