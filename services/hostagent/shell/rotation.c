#include "rotation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_output.h"
#include "exec_entry.h"
#include "sot_log.h"
#include "uplink.h"

/* Under way at a time; kept, the ended ones with them. */
enum { RUNS_MAX = 64, KEPT_MAX = 512 };

typedef struct run {
	sot_link link; /* in rotation.runs, the oldest first */
	rotation *r;
	sot_uuid operation_id, instance_id;
	uint32_t ordinal;
	exec_entry *entry; /* while it runs */
	reactor_watch *deadline;
	check_output output;
	bool is_told, ok;
	char text[CHECK_REASON_MAX];
} run;

struct rotation {
	agent *a;
	sot_link runs;
	size_t count;
};

static void run_free(run *x)
{
	reactor_remove(x->deadline);
	exec_entry_free(x->entry);
	sot_list_remove(&x->link);
	x->r->count--;
	free(x);
}

static void answer(const run *x)
{
	sot_rotated m = {.operation_id = x->operation_id,
	    .ordinal = x->ordinal,
	    .instance_id = x->instance_id,
	    .ok = x->ok,
	    .text = sot_str_c(x->text)};
	uplink_rotated(x->r->a->uplink, &m);
}

static void tell(run *x, bool ok, const char *text)
{
	x->is_told = true;
	x->ok = ok;
	(void)snprintf(x->text, sizeof(x->text), "%s", text);
	sot_log(ok ? SOT_INFO : SOT_WARN, "rotation.command", "ok=%d text=\"%s\"", ok, text);
	answer(x);
}

/* ---- the command ---- */

static void send_frame(run *x, exec_kind kind, uint64_t number)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	exec_frame f = {.kind = kind, .number = number};
	size_t n = exec_frame_write(&f, bytes);
	(void)exec_entry_send(x->entry, (sot_str){(const char *)bytes, n});
}

static void tell_end(run *x, const exec_frame *end)
{
	char why[CHECK_REASON_MAX], what[100];
	bool ok = end->reason == EXEC_EXITED && end->status == 0;
	if (end->reason == EXEC_EXITED)
		(void)snprintf(what, sizeof(what), "the command ended with %d", end->status);
	else if (end->reason == EXEC_SIGNALLED)
		(void)snprintf(what, sizeof(what), "the command was ended by signal %d", end->status);
	else
		(void)snprintf(what, sizeof(what), "%.*s", (int)end->n, (const char *)end->data);
	check_output_reason(&x->output, what, why);
	tell(x, ok, ok ? "" : why);
}

static void on_frame(void *self, const exec_frame *f, sot_str bytes)
{
	run *x = self;
	(void)bytes;
	if (x->is_told)
		return;
	if (f->kind == EXEC_BEGUN) {
		send_frame(x, EXEC_INPUT_END, 0);
		send_frame(x, EXEC_CREDIT, EXEC_WINDOW);
	} else if (f->kind == EXEC_OUTPUT || f->kind == EXEC_ERROR_OUTPUT) {
		check_output_add(&x->output, f->data, f->n);
		send_frame(x, EXEC_CREDIT, 1);
	} else if (f->kind == EXEC_END) {
		tell_end(x, f);
	}
}

static void on_over(void *self)
{
	run *x = self;
	if (!x->is_told)
		tell(x, false, "the instance ended the command");
	x->deadline = reactor_remove(x->deadline);
	x->entry = exec_entry_free(x->entry);
}

static void on_deadline(void *self, uint64_t missed)
{
	run *x = self;
	char why[CHECK_REASON_MAX];
	(void)missed;
	if (x->is_told)
		return;
	check_output_reason(&x->output, "the command did not end in time", why);
	tell(x, false, why);
	exec_entry_end(x->entry);
}

static void begin(run *x, const struct sot_rotate *m)
{
	static const exec_entry_events events = {.on_frame = on_frame, .on_over = on_over};
	char command[EXEC_COMMAND_MAX + 1];
	agent *a = x->r->a;
	const instance *i = reconcile_find(a->reconcile, m->instance_id);
	const container_facts *container = i ? instance_container(i) : NULL;
	exec_frame open = {.kind = EXEC_OPEN, .account = "app", .term = "", .command = command};
	sot_err err = {0};
	if (!container || !container->running) {
		tell(x, false, "the instance does not run");
		return;
	}
	(void)snprintf(command, sizeof(command), "%.*s %s", SOT_ARG(m->command), m->out ? "out" : "in");
	if (exec_entry_open(a->loop, container->pid, &open, &events, x, &x->entry, &err) == SOT_OK)
		x->deadline = reactor_after_ms(a->loop, m->timeout_ms, on_deadline, x);
	else
		tell(x, false, err.text);
}

/* ---- questions ---- */

static run *find(const rotation *r, const struct sot_rotate *m)
{
	for (sot_link *l = r->runs.next; l != &r->runs; l = l->next) {
		run *x = SOT_CONTAINER(l, run, link);
		if (x->ordinal == m->ordinal && sot_uuid_eq(x->operation_id, m->operation_id) &&
		    sot_uuid_eq(x->instance_id, m->instance_id))
			return x;
	}
	return NULL;
}

/* Whether there is room for one more; an old end is forgotten for it. */
static bool make_room(rotation *r)
{
	size_t open = 0;
	run *oldest = NULL;
	for (sot_link *l = r->runs.next; l != &r->runs; l = l->next) {
		run *x = SOT_CONTAINER(l, run, link);
		open += x->entry != NULL;
		if (!oldest && x->entry == NULL)
			oldest = x;
	}
	if (open >= RUNS_MAX)
		return false;
	if (r->count >= KEPT_MAX && oldest)
		run_free(oldest);
	return true;
}

void rotation_ask(rotation *r, const struct sot_rotate *m)
{
	run *x = find(r, m);
	if (x && x->is_told) {
		answer(x);
		return;
	}
	if (x || !make_room(r))
		return;
	x = sot_alloc(sizeof(*x));
	*x = (run){.r = r,
	    .operation_id = m->operation_id,
	    .instance_id = m->instance_id,
	    .ordinal = m->ordinal};
	sot_list_init(&x->link);
	sot_list_push(&r->runs, &x->link);
	r->count++;
	begin(x, m);
}

rotation *rotation_new(agent *a)
{
	rotation *r = sot_alloc(sizeof(*r));
	r->a = a;
	sot_list_init(&r->runs);
	return r;
}

rotation *rotation_free(rotation *r)
{
	if (r) {
		while (!sot_list_empty(&r->runs))
			run_free(SOT_CONTAINER(r->runs.next, run, link));
		free(r);
	}
	return NULL;
}
