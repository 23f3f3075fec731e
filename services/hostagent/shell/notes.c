#include "notes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "gateway_call.h"
#include "sot_log.h"

enum { AGAIN_MS = 10000, BODY_MAX = 64 * 1024, ANSWER_MAX = 4096, DISKS_MAX = 200 };

typedef struct disk_note {
	sot_uuid instance;
	bool over;
	uint64_t used_bytes, plan_bytes;
} disk_note;

struct notes {
	agent *a;
	reactor_watch *timer;
	struct {
		uint64_t entries, bytes;
	} freed[CLEANUP_POLICIES_MAX];
	disk_note disks[DISKS_MAX];
	size_t disk_count;
	uint64_t runs;
	sot_buf body; /* what is told now, until the gateway took it; empty: nothing */
	bool is_telling;
};

static bool has_freed(const notes *n)
{
	for (size_t i = 0; i < cleanup_policy_count; i++)
		if (n->freed[i].entries > 0)
			return true;
	return false;
}

static void add_freed(notes *n)
{
	const char *gap = "";
	sot_buf_add_c(&n->body, ",\"freed\":[");
	for (size_t i = 0; i < cleanup_policy_count; i++) {
		if (n->freed[i].entries == 0)
			continue;
		sot_buf_printf(&n->body,
		    "%s{\"policy\":\"%s\",\"entries\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", gap,
		    cleanup_policies[i].name, n->freed[i].entries, n->freed[i].bytes);
		gap = ",";
	}
	sot_buf_add_char(&n->body, ']');
	memset(n->freed, 0, sizeof(n->freed));
}

static void add_disks(notes *n)
{
	char id[SOT_UUID_TEXT];
	sot_buf_add_c(&n->body, ",\"disks\":[");
	for (size_t i = 0; i < n->disk_count; i++) {
		const disk_note *d = &n->disks[i];
		sot_buf_printf(&n->body,
		    "%s{\"instance\":\"%s\",\"over\":%s,\"usedBytes\":%" PRIu64 ",\"planBytes\":%" PRIu64
		    ",\"action\":\"%s\"}",
		    i > 0 ? "," : "", sot_uuid_format(d->instance, id), d->over ? "true" : "false",
		    d->used_bytes, d->plan_bytes, n->a->config->disk_over);
	}
	sot_buf_add_char(&n->body, ']');
	n->disk_count = 0;
}

/* The name of a run is of this process and never used again, so that a repeat is known. */
static void write_body(notes *n)
{
	bool is_dry = strcmp(n->a->config->cleanup, "dry") == 0;
	sot_buf_printf(&n->body, "{\"run\":\"%016" PRIx64 "-%" PRIu64 "\",\"mode\":\"%s\"",
	    n->a->start_id, ++n->runs, is_dry ? "dry" : "on");
	if (has_freed(n))
		add_freed(n);
	if (n->disk_count > 0)
		add_disks(n);
	sot_buf_add_char(&n->body, '}');
}

static void tell(void *self, uint64_t missed);

static void on_told(void *self, const http_reply *reply)
{
	notes *n = self;
	sot_err err = {0};
	n->is_telling = false;
	if (n->a->ending)
		return;
	/* A body that is refused for its form would be refused for ever. */
	bool is_lost = reply->code == SOT_OK && reply->status == 400;
	if (gateway_call_fault(reply, 200, 200, &err) != NULL)
		sot_log_err(
		    is_lost ? SOT_WARN : SOT_DEBUG, "notes.tell", &err, "lost=%s", is_lost ? "yes" : "no");
	if (err.text[0] != '\0' && !is_lost) {
		reactor_rearm_ms(n->timer, AGAIN_MS);
		return;
	}
	sot_buf_reset(&n->body);
	tell(n, 0);
}

static void tell(void *self, uint64_t missed)
{
	notes *n = self;
	sot_err err = {0};
	(void)missed;
	if (n->is_telling || n->a->draining)
		return;
	if (n->body.n == 0) {
		if (!has_freed(n) && n->disk_count == 0)
			return;
		write_body(n);
	}
	n->is_telling = gateway_call(n->a, "POST", "/v1/host-notes", sot_buf_str(&n->body), ANSWER_MAX,
	                    on_told, n, &err) == SOT_OK;
	if (!n->is_telling)
		reactor_rearm_ms(n->timer, AGAIN_MS);
}

void notes_add_freed(notes *n, size_t policy, uint64_t entries, uint64_t bytes)
{
	n->freed[policy].entries += entries;
	n->freed[policy].bytes += bytes;
	if (!n->is_telling && n->body.n == 0)
		reactor_rearm_ms(n->timer, 0); /* with what else this turn brings */
}

void notes_add_disk(notes *n, sot_uuid id, bool over, uint64_t used_bytes, uint64_t plan_bytes)
{
	size_t at = 0;
	while (at < n->disk_count && !sot_uuid_eq(n->disks[at].instance, id))
		at++;
	if (at == DISKS_MAX)
		return; /* the gauge and the log have it */
	n->disks[at] = (disk_note){id, over, used_bytes, plan_bytes};
	n->disk_count += at == n->disk_count;
	if (!n->is_telling && n->body.n == 0)
		reactor_rearm_ms(n->timer, 0);
}

notes *notes_new(agent *a)
{
	notes *n = sot_alloc(sizeof(*n));
	n->a = a;
	sot_buf_init(&n->body, BODY_MAX);
	n->timer = reactor_after_ms(a->loop, AGAIN_MS, tell, n);
	return n;
}

notes *notes_free(notes *n)
{
	if (n) {
		reactor_remove(n->timer);
		sot_buf_clear(&n->body);
		free(n);
	}
	return NULL;
}
