#include "views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper_program.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sot_parse.h"

enum { DEADLINE_MS = 10000, OUTPUT_MAX = 64 * 1024, PIDS_PER_LOOK = 200, DEVICE_TEXT = 24 };

struct views {
	agent *a;
	reactor_watch *timer;
	bool is_busy, is_up, was_told;
	char why[SOT_ERR_TEXT_MAX];
	char device[DEVICE_TEXT]; /* of the LXCFS that answered last */
	sot_map *bound;           /* PID 1 -> itself: has the files of that LXCFS */
	sot_metric *up, *missing;
};

static sot_str key_of(const int *pid)
{
	return (sot_str){(const char *)pid, sizeof(*pid)};
}

bool views_are_up(const views *v, const char **ret_why)
{
	*ret_why = v->is_up ? "" : v->why;
	return v->is_up;
}

bool views_has(const views *v, int pid)
{
	sot_str key = key_of(&pid);
	return sot_map_get(v->bound, key.p, key.n) != NULL;
}

static void forget_all(views *v)
{
	v->bound = sot_map_free(v->bound);
	v->bound = sot_map_new();
}

static int running_pid(const instance *i)
{
	const container_facts *c = instance_container(i);
	return c && c->running ? c->pid : 0;
}

/* Pids are given again: what is known of those that run no more goes. */
static void forget_gone(views *v)
{
	sot_map *kept = sot_map_new();
	sot_map_iter it = {0};
	size_t missing = 0;
	for (instance *i; (i = reconcile_iterate(v->a->reconcile, &it)) != NULL;) {
		int pid = running_pid(i);
		sot_str key = key_of(&pid);
		if (pid > 0 && views_has(v, pid))
			(void)sot_map_set(kept, key.p, key.n, v);
		else
			missing += pid > 0;
	}
	v->bound = sot_map_free(v->bound);
	v->bound = kept;
	sot_metric_set(v->missing, (int64_t)missing);
}

static void take_state(views *v, bool is_up, sot_str text)
{
	bool is_other = !v->was_told || is_up != v->is_up;
	v->is_up = is_up;
	v->was_told = true;
	sot_metric_set(v->up, is_up);
	(void)snprintf(v->why, sizeof(v->why), "%.*s", is_up ? 0 : (int)text.n, text.p);
	if (is_other && is_up) {
		sot_log(SOT_INFO, "view.up", "device=%.*s", SOT_ARG(text));
	} else if (is_other) {
		char quoted[SOT_ERR_TEXT_MAX + 16];
		sot_log(SOT_WARN, "view.down", "text=%s", sot_log_quote(text, quoted, sizeof(quoted)));
	}
	if (is_up && !sot_str_eq_c(text, v->device)) {
		(void)snprintf(v->device, sizeof(v->device), "%.*s", SOT_ARG(text));
		forget_all(v); /* what is bound in the instances is the files of another LXCFS */
	}
}

static void take_pid(views *v, sot_str line)
{
	sot_str words;
	uint64_t number = 0;
	sot_str text = sot_str_cut(line, ' ', &words);
	if (sot_parse_u64(text, 1, INT_MAX, &number, NULL) != SOT_OK)
		return;
	int pid = (int)number;
	sot_str key = key_of(&pid);
	if (sot_str_eq_c(words, "bound")) {
		(void)sot_map_set(v->bound, key.p, key.n, v);
	} else {
		char quoted[SOT_ERR_TEXT_MAX + 16];
		sot_log(SOT_WARN, "view.failed", "pid=%d text=%s", pid,
		    sot_log_quote(words, quoted, sizeof(quoted)));
	}
}

static void on_look(void *self, const reactor_child_result *result)
{
	views *v = self;
	sot_str rest = result->out, words;
	v->is_busy = false;
	sot_str first = sot_str_cut(rest, '\n', &rest);
	sot_str verb = sot_str_cut(first, ' ', &words);
	if (sot_str_eq_c(verb, "view"))
		take_state(v, true, words);
	else if (sot_str_eq_c(verb, "away"))
		take_state(v, false, words);
	else
		take_state(v, false, SOT_STR("sotalia-view failed; it lies beside sotalia-runc"));
	while (rest.n > 0)
		take_pid(v, sot_str_cut(rest, '\n', &rest));
	forget_gone(v);
}

static void look(void *self, uint64_t missed)
{
	views *v = self;
	char program[PATH_MAX], pids[PIDS_PER_LOOK][12];
	const char *argv[PIDS_PER_LOOK + 3] = {program, v->a->config->lxcfs_dir};
	size_t count = 0;
	sot_map_iter it = {0};
	sot_err err = {0};
	(void)missed;
	if (v->is_busy)
		return;
	helper_program_find("sotalia-view", program);
	for (instance *i; count < PIDS_PER_LOOK && (i = reconcile_iterate(v->a->reconcile, &it));) {
		int pid = running_pid(i);
		if (pid <= 0 || views_has(v, pid))
			continue;
		(void)snprintf(pids[count], sizeof(pids[count]), "%d", pid);
		argv[2 + count] = pids[count];
		count++;
	}
	v->is_busy = reactor_spawn(v->a->loop, argv, NULL, (sot_str){0}, OUTPUT_MAX, DEADLINE_MS,
	                 on_look, v, &err) == SOT_OK;
	if (!v->is_busy)
		take_state(v, false, sot_str_c(err.text));
}

views *views_new(agent *a)
{
	views *v = sot_alloc(sizeof(*v));
	v->a = a;
	v->bound = sot_map_new();
	v->up = sot_gauge("sot_hostagent_view_up", NULL, "1 when LXCFS answered at the last look");
	v->missing = sot_gauge("sot_hostagent_view_missing", NULL,
	    "Running instances that see the figures of the host instead of their own");
	if (*a->config->lxcfs_dir)
		v->timer = reactor_together_ms(a->loop, a->config->view_check_ms, look, v);
	else
		(void)snprintf(v->why, sizeof(v->why), "lxcfs_dir is empty: no view is wanted here");
	return v;
}

views *views_free(views *v)
{
	if (v) {
		reactor_remove(v->timer);
		v->bound = sot_map_free(v->bound);
		free(v);
	}
	return NULL;
}
