/* The flow of a session: nothing is lost, doubled or turned round, whoever is slow; what is held
 * stays bounded; a client that comes back gets what it lacks. */
#include "gw_flow.h"

#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HELD_MAX = 2 * (GW_FLOW_HISTORY + GW_FLOW_UNTAKEN_MAX) + GW_FLOW_INPUT_MAX };

/* Both ends, as they behave. Bytes of output and input are functions of their positions. */
typedef struct world {
	gw_flow *f;
	unsigned credit;           /* frames the agent's side may send */
	uint64_t written, read_to; /* output that the program wrote; input that it got */
	unsigned frames_taken;     /* of input, credit for them not given back yet */
	uint64_t shown, typed, typed_taken;
	uint64_t position; /* of the client, as BEGUN said and what came since */
	bool attached, begun, ended;
	int status;
} world;

static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)(position * 31 + (position >> 8));
}

static void fill(uint8_t *dst, uint64_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = byte_at(from + i);
}

static void assert_bytes(const exec_frame *f, uint64_t from)
{
	for (size_t i = 0; i < f->n; i++)
		assert_int_equal(f->data[i], byte_at(from + i));
}

static void agent_says(world *w, const exec_frame *frame)
{
	assert_true(gw_flow_from_agent(w->f, frame));
}

static void agent_hears(world *w)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	exec_frame f;
	for (size_t n; (n = gw_flow_for_agent(w->f, bytes)) > 0;) {
		assert_true(exec_frame_parse(bytes, n, &f));
		if (f.kind == EXEC_CREDIT) {
			w->credit += (unsigned)f.number;
			assert_true(w->credit <= EXEC_WINDOW);
		} else if (f.kind == EXEC_INPUT) {
			assert_bytes(&f, w->read_to);
			w->read_to += f.n;
			w->frames_taken++;
			assert_true(w->frames_taken <= EXEC_WINDOW);
		}
	}
}

static bool client_hears(world *w)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	exec_frame f;
	size_t n = gw_flow_for_client(w->f, bytes);
	if (n == 0)
		return false;
	assert_true(exec_frame_parse(bytes, n, &f));
	if (f.kind == EXEC_BEGUN) {
		w->position = f.number;
		w->begun = true;
		assert_memory_equal(f.data, "id", 2);
	} else if (f.kind == EXEC_OUTPUT || f.kind == EXEC_ERROR_OUTPUT) {
		assert_bytes(&f, w->position);
		w->position += f.n;
	} else if (f.kind == EXEC_CREDIT) {
		w->typed_taken = f.number;
	} else if (f.kind == EXEC_END) {
		w->ended = true;
		w->status = f.status;
	}
	return true;
}

static void begin(world *w)
{
	static const exec_frame begun = {.kind = EXEC_BEGUN};
	static const exec_frame credit = {.kind = EXEC_CREDIT, .number = EXEC_WINDOW};
	*w = (world){.f = gw_flow_new("id"), .attached = true};
	gw_flow_attach(w->f, 0);
	agent_says(w, &begun);
	agent_says(w, &credit);
	agent_hears(w);
}

static bool program_writes(world *w, size_t n, exec_kind kind)
{
	static uint8_t bytes[EXEC_DATA_MAX];
	exec_frame f = {.kind = kind, .data = bytes, .n = n};
	if (w->credit == 0)
		return false;
	fill(bytes, w->written, n);
	w->written += n;
	w->credit--;
	agent_says(w, &f);
	agent_hears(w);
	return true;
}

static void client_takes(world *w, uint64_t position)
{
	exec_frame f = {.kind = EXEC_CREDIT, .number = position};
	assert_true(gw_flow_from_client(w->f, &f));
	agent_hears(w);
}

static void client_types(world *w, size_t n)
{
	static uint8_t bytes[EXEC_DATA_MAX];
	exec_frame f = {.kind = EXEC_INPUT, .data = bytes, .n = n};
	if (w->typed - w->typed_taken + n > GW_FLOW_INPUT_MAX / 2)
		return;
	fill(bytes, w->typed, n);
	w->typed += n;
	assert_true(gw_flow_from_client(w->f, &f));
	agent_hears(w);
}

static void program_reads(world *w)
{
	exec_frame f = {.kind = EXEC_CREDIT, .number = w->frames_taken};
	w->frames_taken = 0;
	agent_says(w, &f);
	agent_hears(w);
}

static void a_client_that_takes_nothing_stops_the_program(void **state)
{
	world w;
	(void)state;
	begin(&w);
	while (program_writes(&w, EXEC_DATA_MAX, EXEC_OUTPUT))
		(void)client_hears(&w);
	assert_in_range(w.written, GW_FLOW_CLIENT_WINDOW, GW_FLOW_UNTAKEN_MAX);
	while (client_hears(&w))
		continue;
	assert_int_equal(w.position, GW_FLOW_CLIENT_WINDOW);
	assert_true(gw_flow_held(w.f) <= HELD_MAX);
	client_takes(&w, w.position);
	while (client_hears(&w))
		continue;
	assert_true(w.position > GW_FLOW_CLIENT_WINDOW);
	assert_true(program_writes(&w, 1, EXEC_ERROR_OUTPUT));
	gw_flow_free(w.f);
}

static void a_program_that_reads_nothing_stops_the_client(void **state)
{
	static uint8_t bytes[EXEC_DATA_MAX];
	exec_frame f = {.kind = EXEC_INPUT, .data = bytes, .n = sizeof(bytes)};
	world w;
	size_t frames = 0;
	(void)state;
	begin(&w);
	for (; frames < 100 && gw_flow_from_client(w.f, &f); frames++)
		(void)gw_flow_for_agent(w.f, (uint8_t[EXEC_FRAME_MAX]){0});
	assert_int_equal(frames, EXEC_WINDOW + GW_FLOW_INPUT_MAX / EXEC_DATA_MAX);
	gw_flow_free(w.f);
}

static void who_comes_back_gets_what_it_lacks(void **state)
{
	world w;
	(void)state;
	begin(&w);
	assert_true(program_writes(&w, 1000, EXEC_OUTPUT));
	while (client_hears(&w))
		continue;
	gw_flow_detach(w.f);
	assert_true(program_writes(&w, 500, EXEC_OUTPUT));
	gw_flow_attach(w.f, 700); /* in the middle of a frame */
	while (client_hears(&w))
		continue;
	assert_int_equal(w.position, 1500);
	gw_flow_detach(w.f);
	for (int i = 0; i < 1000; i++)
		assert_true(program_writes(&w, EXEC_DATA_MAX, EXEC_OUTPUT)); /* nobody stops it */
	assert_true(gw_flow_held(w.f) <= HELD_MAX);
	gw_flow_attach(w.f, 1500); /* long gone: what is kept */
	assert_true(client_hears(&w));
	assert_in_range(w.position, w.written - 3 * GW_FLOW_HISTORY, w.written - GW_FLOW_HISTORY);
	while (client_hears(&w))
		client_takes(&w, w.position);
	assert_int_equal(w.position, w.written);
	gw_flow_free(w.f);
}

static void the_end_comes_after_all_output(void **state)
{
	exec_frame end = {.kind = EXEC_END, .reason = EXEC_EXITED, .status = 3};
	const char *text = NULL;
	int status = 0;
	world w;
	(void)state;
	begin(&w);
	for (int i = 0; i < 20; i++)
		(void)program_writes(&w, EXEC_DATA_MAX, EXEC_OUTPUT);
	agent_says(&w, &end);
	gw_flow_break(w.f, EXEC_BROKEN, "too late");
	while (client_hears(&w))
		continue;
	assert_false(w.ended);
	client_takes(&w, w.position);
	while (client_hears(&w))
		continue;
	assert_true(w.ended && gw_flow_is_told(w.f));
	assert_int_equal(w.status, 3);
	assert_int_equal(w.position, w.written);
	assert_int_equal(gw_flow_end(w.f, &status, &text), EXEC_EXITED);
	assert_string_equal(text, "");
	gw_flow_free(w.f);
}

static void who_breaks_the_agreement_is_told_apart(void **state)
{
	static uint8_t bytes[EXEC_DATA_MAX];
	exec_frame output = {.kind = EXEC_OUTPUT, .data = bytes, .n = 1};
	exec_frame credit = {.kind = EXEC_CREDIT, .number = 5};
	exec_frame open = {.kind = EXEC_OPEN};
	world w;
	(void)state;
	begin(&w);
	for (int i = 0; i < EXEC_WINDOW; i++)
		assert_true(gw_flow_from_agent(w.f, &output));
	assert_false(gw_flow_from_agent(w.f, &output));  /* no credit */
	assert_false(gw_flow_from_agent(w.f, &credit));  /* the window is open already */
	assert_false(gw_flow_from_client(w.f, &credit)); /* it has not got that much */
	assert_false(gw_flow_from_client(w.f, &output));
	assert_false(gw_flow_from_client(w.f, &open));
	assert_false(gw_flow_from_agent(w.f, &open));
	gw_flow_free(w.f);
}

static size_t piece(sot_rand *r, size_t max)
{
	return 1 + (size_t)sot_rand_below(r, sot_rand_below(r, 2) == 0 ? 10 : max);
}

static void step(world *w, sot_rand *r)
{
	switch (sot_rand_below(r, 10)) {
	case 0:
	case 1:
	case 2:
		(void)program_writes(
		    w, piece(r, EXEC_DATA_MAX), sot_rand_below(r, 2) ? EXEC_OUTPUT : EXEC_ERROR_OUTPUT);
		break;
	case 3:
	case 4:
	case 5:
		if (w->attached)
			(void)client_hears(w);
		break;
	case 6:
		if (w->attached && w->begun)
			client_takes(w, w->position);
		break;
	case 7:
		if (w->attached)
			client_types(w, piece(r, EXEC_DATA_MAX));
		break;
	case 8:
		program_reads(w);
		break;
	default:
		if (sot_rand_below(r, 20) != 0)
			break;
		if (w->attached)
			gw_flow_detach(w->f);
		else
			gw_flow_attach(w->f, w->position);
		w->attached = !w->attached;
		w->begun = false;
		w->typed_taken = w->typed; /* a client that comes counts anew; its bytes go on */
	}
	assert_true(gw_flow_held(w->f) <= 3 * HELD_MAX); /* heads of very short records included */
}

/* Output is compared byte by byte at both ends, whatever comes in between. */
static void any_order_of_events_keeps_the_bytes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		sot_rand r;
		sot_rand_seed(&r, seed);
		world w;
		begin(&w);
		for (int i = 0; i < 3000; i++)
			step(&w, &r);
		gw_flow_free(w.f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_client_that_takes_nothing_stops_the_program),
	    cmocka_unit_test(a_program_that_reads_nothing_stops_the_client),
	    cmocka_unit_test(who_comes_back_gets_what_it_lacks),
	    cmocka_unit_test(the_end_comes_after_all_output),
	    cmocka_unit_test(who_breaks_the_agreement_is_told_apart),
	    cmocka_unit_test(any_order_of_events_keeps_the_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
