#include "gw_flow.h"

#include "sot_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_HEAD = 3, SIGNALS_MAX = 8, TOLD_EVERY = 8192, CREDIT_LOW = EXEC_WINDOW / 2 };

struct gw_flow {
	char id[40];
	/* Output: records of kind, length (2), bytes. Positions count bytes of output since the begin.
	 */
	sot_buf output;
	uint64_t first, last; /* positions of what is kept */
	uint64_t sent, taken; /* by the client that is attached; else both follow `last` */
	size_t at, skip;      /* where `sent` is: offset of a record, bytes of it that are sent */
	unsigned granted;     /* frames that the agent may still send */
	/* Input. */
	sot_buf input;
	exec_window window;              /* frames that the agent takes */
	int64_t input_taken, input_told; /* since the client came */
	bool input_ends, input_ended;
	uint16_t columns, rows; /* to be told, 0: none */
	uint8_t signals[SIGNALS_MAX];
	size_t signal_count;
	/* Begin and end. */
	bool attached, begun, begun_told, over, told;
	exec_reason reason;
	int status;
	char text[EXEC_TEXT_MAX + 1];
};

gw_flow *gw_flow_new(const char *id)
{
	gw_flow *f = sot_alloc(sizeof(*f));
	(void)snprintf(f->id, sizeof(f->id), "%s", id);
	sot_buf_init(&f->output, 6 * (GW_FLOW_HISTORY + GW_FLOW_UNTAKEN_MAX));
	sot_buf_init(&f->input, GW_FLOW_INPUT_MAX);
	return f;
}

gw_flow *gw_flow_free(gw_flow *f)
{
	if (f) {
		sot_buf_clear(&f->output);
		sot_buf_clear(&f->input);
		free(f);
	}
	return NULL;
}

/* ---- output ---- */

static size_t record_length(const gw_flow *f, size_t at)
{
	const uint8_t *p = (const uint8_t *)f->output.p + at;
	return (size_t)p[1] << 8 | p[2];
}

/* What neither the client lacks nor history needs is dropped, a piece at a time. */
static void trim(gw_flow *f)
{
	uint64_t keep = f->last > GW_FLOW_HISTORY ? f->last - GW_FLOW_HISTORY : 0, first = f->first;
	size_t drop = 0;
	if (f->attached && f->taken < keep)
		keep = f->taken;
	while (drop < f->output.n && first + record_length(f, drop) <= keep) {
		first += record_length(f, drop);
		drop += RECORD_HEAD + record_length(f, drop);
	}
	if (drop < GW_FLOW_HISTORY)
		return;
	sot_buf_consume(&f->output, drop);
	f->first = first;
	f->at -= drop < f->at ? drop : f->at;
}

static bool take_output(gw_flow *f, const exec_frame *frame)
{
	char head[RECORD_HEAD] = {(char)frame->kind, (char)(frame->n >> 8), (char)frame->n};
	if (f->granted == 0)
		return false;
	f->granted--;
	sot_buf_add(&f->output, head, sizeof(head));
	sot_buf_add(&f->output, frame->data, frame->n);
	f->last += frame->n;
	if (!f->attached) {
		f->sent = f->taken = f->last;
		f->at = f->output.n;
		f->skip = 0;
	}
	trim(f);
	return true;
}

/* How many frames more the agent may send, so that all of them would still fit. */
static unsigned credit_due(const gw_flow *f)
{
	uint64_t untaken = f->last - f->taken;
	uint64_t room =
	    untaken < GW_FLOW_UNTAKEN_MAX ? (GW_FLOW_UNTAKEN_MAX - untaken) / EXEC_DATA_MAX : 0;
	unsigned allowed = room < EXEC_WINDOW ? (unsigned)room : EXEC_WINDOW;
	return f->begun && !f->over && f->granted <= CREDIT_LOW && allowed > f->granted
	           ? allowed - f->granted
	           : 0;
}

/* The position `after` in the records. */
static void seek(gw_flow *f, uint64_t after)
{
	uint64_t position = f->first;
	f->at = f->skip = 0;
	if (after < f->first || after > f->last)
		after = f->first;
	while (f->at < f->output.n && position + record_length(f, f->at) <= after) {
		position += record_length(f, f->at);
		f->at += RECORD_HEAD + record_length(f, f->at);
	}
	f->skip = (size_t)(after - position);
	f->sent = f->taken = after;
}

/* ---- the agent's side ---- */

static void end(gw_flow *f, exec_reason reason, int status, const char *text, size_t n)
{
	if (f->over)
		return;
	f->over = true;
	f->reason = reason;
	f->status = status;
	n = n < EXEC_TEXT_MAX ? n : EXEC_TEXT_MAX;
	memcpy(f->text, text, n);
	f->text[n] = '\0';
}

void gw_flow_break(gw_flow *f, exec_reason reason, const char *text)
{
	end(f, reason, 0, text, strlen(text));
}

bool gw_flow_from_agent(gw_flow *f, const exec_frame *frame)
{
	switch (frame->kind) {
	case EXEC_BEGUN:
		f->begun = true;
		return true;
	case EXEC_OUTPUT:
	case EXEC_ERROR_OUTPUT:
		return take_output(f, frame);
	case EXEC_CREDIT:
		return exec_window_grant(&f->window, frame->number);
	case EXEC_END:
		end(f, frame->reason, frame->status, frame->data ? (const char *)frame->data : "",
		    frame->n);
		return true;
	default:
		return false;
	}
}

static size_t next_input(gw_flow *f, uint8_t dst[EXEC_FRAME_MAX])
{
	size_t n = f->input.n < EXEC_DATA_MAX ? f->input.n : EXEC_DATA_MAX;
	exec_frame frame = {.kind = EXEC_INPUT, .data = (const uint8_t *)f->input.p, .n = n};
	if (n == 0 || !exec_window_take(&f->window))
		return 0;
	size_t length = exec_frame_write(&frame, dst);
	sot_buf_consume(&f->input, n);
	f->input_taken += (int64_t)n;
	return length;
}

size_t gw_flow_for_agent(gw_flow *f, uint8_t dst[EXEC_FRAME_MAX])
{
	exec_frame frame = {.kind = EXEC_CREDIT, .number = credit_due(f)};
	if (f->over || !f->begun)
		return 0;
	if (frame.number > 0) {
		f->granted += (unsigned)frame.number;
		return exec_frame_write(&frame, dst);
	}
	if (f->columns > 0) {
		frame = (exec_frame){.kind = EXEC_RESIZE, .columns = f->columns, .rows = f->rows};
		f->columns = 0;
		return exec_frame_write(&frame, dst);
	}
	if (f->signal_count > 0) {
		frame = (exec_frame){.kind = EXEC_SIGNAL, .signal = f->signals[0]};
		memmove(f->signals, f->signals + 1, --f->signal_count);
		return exec_frame_write(&frame, dst);
	}
	size_t n = next_input(f, dst);
	if (n > 0 || f->input.n > 0 || !f->input_ends || f->input_ended)
		return n;
	f->input_ended = true;
	frame = (exec_frame){.kind = EXEC_INPUT_END};
	return exec_frame_write(&frame, dst);
}

/* ---- the client's side ---- */

void gw_flow_attach(gw_flow *f, uint64_t after)
{
	f->attached = true;
	f->begun_told = f->told = false;
	seek(f, after);
	f->input_taken = -(int64_t)f->input.n; /* what another client sent is not this one's */
	f->input_told = 0;
}

void gw_flow_detach(gw_flow *f)
{
	f->attached = false;
	f->sent = f->taken = f->last;
	f->at = f->output.n;
	f->skip = 0;
	trim(f);
}

static bool take_input(gw_flow *f, const exec_frame *frame)
{
	if (f->input_ends || f->input.n + frame->n > GW_FLOW_INPUT_MAX)
		return false;
	if (!f->over)
		sot_buf_add(&f->input, frame->data, frame->n);
	return true;
}

static bool take_credit(gw_flow *f, uint64_t position)
{
	if (position < f->taken || position > f->sent)
		return false;
	f->taken = position;
	trim(f);
	return true;
}

bool gw_flow_from_client(gw_flow *f, const exec_frame *frame)
{
	switch (frame->kind) {
	case EXEC_INPUT:
		return take_input(f, frame);
	case EXEC_INPUT_END:
		f->input_ends = true;
		return true;
	case EXEC_RESIZE: /* the last one is the one that counts */
		f->columns = frame->columns;
		f->rows = frame->rows;
		return true;
	case EXEC_SIGNAL: /* of more than a program can have noticed the rest is forgotten */
		if (f->signal_count < SIGNALS_MAX)
			f->signals[f->signal_count++] = frame->signal;
		return true;
	case EXEC_CREDIT:
		return take_credit(f, frame->number);
	default:
		return false;
	}
}

static size_t next_output(gw_flow *f, uint8_t dst[EXEC_FRAME_MAX])
{
	if (f->at >= f->output.n || f->sent - f->taken >= GW_FLOW_CLIENT_WINDOW)
		return 0;
	const uint8_t *p = (const uint8_t *)f->output.p + f->at;
	size_t whole = record_length(f, f->at);
	exec_frame frame = {
	    .kind = (exec_kind)p[0], .data = p + RECORD_HEAD + f->skip, .n = whole - f->skip};
	f->sent += frame.n;
	f->at += RECORD_HEAD + whole;
	f->skip = 0;
	return exec_frame_write(&frame, dst);
}

static size_t next_end(gw_flow *f, uint8_t dst[EXEC_FRAME_MAX])
{
	exec_frame frame = {.kind = EXEC_END,
	    .reason = f->reason,
	    .status = (uint8_t)f->status,
	    .data = (const uint8_t *)f->text,
	    .n = strlen(f->text)};
	f->told = true;
	return exec_frame_write(&frame, dst);
}

size_t gw_flow_for_client(gw_flow *f, uint8_t dst[EXEC_FRAME_MAX])
{
	if (!f->attached || f->told)
		return 0;
	if (f->begun && !f->begun_told) {
		exec_frame frame = {.kind = EXEC_BEGUN,
		    .number = f->sent,
		    .data = (const uint8_t *)f->id,
		    .n = strlen(f->id)};
		f->begun_told = true;
		return exec_frame_write(&frame, dst);
	}
	if (f->input_taken - f->input_told >= TOLD_EVERY ||
	    (f->input.n == 0 && f->input_taken > f->input_told && f->input_taken > 0)) {
		exec_frame frame = {.kind = EXEC_CREDIT, .number = (uint64_t)f->input_taken};
		f->input_told = f->input_taken;
		return exec_frame_write(&frame, dst);
	}
	size_t n = next_output(f, dst);
	return n == 0 && f->over && f->at >= f->output.n ? next_end(f, dst) : n;
}

bool gw_flow_is_over(const gw_flow *f)
{
	return f->over;
}

bool gw_flow_is_told(const gw_flow *f)
{
	return f->told;
}

exec_reason gw_flow_end(const gw_flow *f, int *ret_status, const char **ret_text)
{
	*ret_status = f->status;
	*ret_text = f->text;
	return f->reason;
}

size_t gw_flow_held(const gw_flow *f)
{
	return f->output.n + f->input.n;
}
