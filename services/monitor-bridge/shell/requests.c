#include "shell/requests.h"

#include "bridge_sql.h"
#include "cat_read.h"
#include "shell/platform_clock.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>

#define POLL_MS 1000
#define FRAMES_KEPT 256
#define FRAMES_SHOWN 10
#define WAIT_MS 75000 /* longer than a heartbeat's turn */
#define WATCHES 8
#define ABOUT_MAX 64
#define ANSWER_MAX (4u * 1024u * 1024u)
#define ARENA_MAX (16u * 1024u * 1024u)

/* Among thousands of machines none is in the last frames for long. So a trace that found nothing
 * has its machine's frames kept as they are made, until it is answered. */
typedef struct watch {
	char about[ABOUT_MAX + 1]; /* "": free */
	sot_mono until;
	sot_buf frames[FRAMES_SHOWN];
	size_t noted; /* as below */
} watch;

struct requests {
	store *store;
	monitor *monitor;
	const cat_sender *sender;
	char name[64];
	reactor *loop;
	reactor_watch *timer;
	sot_buf frames[FRAMES_KEPT];
	size_t noted; /* ever; the newest lies at (noted - 1) % FRAMES_KEPT */
	watch watches[WATCHES];
	size_t watched; /* of them, in use */
	sot_arena *arena;
	bool reading;
};

/* ---- frames ---- */

static void note(sot_buf *slots, size_t count, size_t *noted, sot_str frame)
{
	sot_buf *slot = &slots[(*noted)++ % count];
	sot_buf_reset(slot);
	sot_buf_add_str(slot, frame);
}

static bool is_about(const cat_read_tree *tree, sot_str about)
{
	return about.n == 0 || sot_str_eq(about, tree->header[CAT_READ_ADDRESS]) ||
	       sot_str_eq(about, tree->header[CAT_READ_DOMAIN]);
}

static void note_for_watches(requests *q, sot_str frame)
{
	cat_read_tree tree;
	sot_arena_reset(q->arena);
	if (cat_read_frame(frame, q->arena, &tree, NULL) != SOT_OK)
		return;
	for (watch *w = q->watches; w < q->watches + WATCHES; w++) {
		if (w->about[0] && is_about(&tree, sot_str_c(w->about)))
			note(w->frames, FRAMES_SHOWN, &w->noted, frame);
	}
}

void requests_note_frame(requests *q, sot_str frame)
{
	note(q->frames, FRAMES_KEPT, &q->noted, frame);
	if (q->watched > 0)
		note_for_watches(q, frame);
}

/* ---- watches ---- */

static void end_watch(requests *q, watch *w)
{
	for (size_t i = 0; i < FRAMES_SHOWN; i++)
		sot_buf_clear(&w->frames[i]);
	w->about[0] = '\0';
	w->noted = 0;
	q->watched--;
}

static watch *watch_of(requests *q, sot_str about)
{
	for (watch *w = q->watches; w < q->watches + WATCHES; w++) {
		if (w->about[0] && sot_str_eq_c(about, w->about))
			return w;
	}
	return NULL;
}

/* With more at once than there are watches, some must do with the last frames. */
static void begin_watch(requests *q, sot_str about)
{
	watch *w = q->watches;
	while (w < q->watches + WATCHES && w->about[0])
		w++;
	if (w == q->watches + WATCHES || about.n == 0 ||
	    sot_str_copy(about, w->about, sizeof(w->about), NULL) != SOT_OK)
		return;
	w->until = sot_mono_add_ms(reactor_now(q->loop), WAIT_MS);
	q->watched++;
}

static void end_old_watches(requests *q)
{
	for (watch *w = q->watches; w < q->watches + WATCHES; w++) {
		if (w->about[0] && sot_mono_reached(reactor_now(q->loop), w->until))
			end_watch(q, w);
	}
}

/* ---- answers ---- */

static void put_bridge(const requests *q, sot_buf *out)
{
	cat_sender_stats cat = cat_sender_get_stats(q->sender);
	sot_buf_printf(out, "{\"connected\":%s,\"server\":\"%s\",\"frames\":[",
	    cat.up ? "true" : "false", cat.server);
}

/* Those of `count` slots that are about a machine or a domain (empty: any), newest first; returns
 * how many. */
static size_t put_frames(requests *q, const sot_buf *slots, size_t count, size_t noted,
    sot_str about, size_t most, sot_buf *out)
{
	size_t kept = noted < count ? noted : count, shown = 0;
	for (size_t i = 0; i < kept && shown < most; i++) {
		cat_read_tree tree;
		sot_err err;
		sot_str frame = sot_buf_str(&slots[(noted - 1 - i) % count]);
		sot_arena_reset(q->arena);
		if (cat_read_frame(frame, q->arena, &tree, &err) != SOT_OK) {
			sot_log_err(SOT_ERROR, "trace.unreadable", &err, "bytes=%zu", frame.n);
			continue;
		}
		if (!is_about(&tree, about))
			continue;
		if (shown++ > 0)
			sot_buf_add_char(out, ',');
		cat_read_json(&tree, out);
	}
	return shown;
}

static void on_answered(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "request.not_answered", outcome->why, "%s", "");
}

static void answer(requests *q, sot_uuid id, sot_buf *text)
{
	sot_err err;
	sot_buf_add_c(text, "]}");
	store_tx *tx = store_begin(q->store);
	store_query(tx, BRIDGE_SQL_ANSWER, NULL, NULL);
	store_arg_uuid(tx, id);
	store_arg_c(tx, q->name);
	store_arg_str(tx, sot_buf_failed(text)
	                      ? SOT_STR("{\"error\":\"the frames are too large to show\"}")
	                      : sot_buf_str(text));
	if (store_commit(&tx, on_answered, q, &err) == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "request.not_answered", &err, "%s", "");
	store_tx_free(tx);
}

static void take_test(requests *q, sot_uuid id, sot_str name)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, ANSWER_MAX);
	if (!monitor_leads(q->monitor))
		return; /* the one that leads answers */
	monitor_send_test(q->monitor, name.n > 0 ? name : SOT_STR("test"), platform_wall(q->loop));
	put_bridge(q, &text);
	(void)put_frames(q, q->frames, FRAMES_KEPT, q->noted, (sot_str){NULL, 0}, 1, &text);
	answer(q, id, &text);
}

static void take_trace(requests *q, sot_uuid id, sot_str about, int64_t age_ms)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, ANSWER_MAX);
	watch *w = watch_of(q, about);
	put_bridge(q, &text);
	size_t shown = w ? put_frames(q, w->frames, FRAMES_SHOWN, w->noted, about, FRAMES_SHOWN, &text)
	                 : put_frames(q, q->frames, FRAMES_KEPT, q->noted, about, FRAMES_SHOWN, &text);
	if (w && shown > 0)
		end_watch(q, w);
	if (!w && shown == 0)
		begin_watch(q, about);
	/* Whoever has something answers; when nobody had, the one that leads says so at last. */
	if (shown > 0 || (age_ms >= WAIT_MS && monitor_leads(q->monitor)))
		answer(q, id, &text);
}

/* ---- the questions ---- */

enum { ID, KIND, ARGUMENT, AGE };

static void on_rows(void *self, const store_result *res)
{
	requests *q = self;
	sot_err err;
	for (size_t row = 0; row < store_rows(res); row++) {
		sot_uuid id;
		int64_t age_ms;
		if (store_uuid(res, row, ID, &id, &err) != SOT_OK ||
		    store_i64(res, row, AGE, &age_ms, &err) != SOT_OK) {
			sot_log_err(SOT_ERROR, "requests.bad_row", &err, "row=%zu", row);
			continue;
		}
		if (sot_str_eq_c(store_text(res, row, KIND), "test")) {
			take_test(q, id, store_text(res, row, ARGUMENT));
		} else {
			take_trace(q, id, store_text(res, row, ARGUMENT), age_ms);
		}
	}
}

static void on_done(void *self, const store_outcome *outcome)
{
	requests *q = self;
	q->reading = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "requests.not_read", outcome->why, "%s", "");
}

static void read_requests(void *self, uint64_t missed)
{
	requests *q = self;
	sot_err err;
	(void)missed;
	end_old_watches(q);
	if (q->reading || !store_is_up(q->store))
		return;
	store_tx *tx = store_begin_read(q->store);
	store_query(tx, BRIDGE_SQL_REQUESTS, on_rows, q);
	q->reading = store_commit(&tx, on_done, q, &err) == SOT_OK;
	if (!q->reading) {
		sot_log_err(SOT_WARN, "requests.not_asked", &err, "%s", "");
		store_tx_free(tx);
	}
}

requests *requests_new(reactor *r, store *s, monitor *m, const cat_sender *sender, const char *name)
{
	requests *q = sot_alloc(sizeof(*q));
	q->loop = r;
	q->store = s;
	q->monitor = m;
	q->sender = sender;
	q->arena = sot_arena_new(ARENA_MAX);
	(void)snprintf(q->name, sizeof(q->name), "%s", name);
	for (size_t i = 0; i < FRAMES_KEPT; i++)
		sot_buf_init(&q->frames[i], CAT_FRAME_MAX + 1);
	for (watch *w = q->watches; w < q->watches + WATCHES; w++) {
		for (size_t i = 0; i < FRAMES_SHOWN; i++)
			sot_buf_init(&w->frames[i], CAT_FRAME_MAX + 1);
	}
	q->timer = reactor_every_ms(r, POLL_MS, read_requests, q);
	return q;
}

requests *requests_free(requests *q)
{
	if (!q)
		return NULL;
	reactor_remove(q->timer);
	store_forget(q->store, q);
	for (size_t i = 0; i < FRAMES_KEPT; i++)
		sot_buf_clear(&q->frames[i]);
	for (watch *w = q->watches; w < q->watches + WATCHES; w++) {
		if (w->about[0])
			end_watch(q, w);
	}
	sot_arena_free(q->arena);
	free(q);
	return NULL;
}
