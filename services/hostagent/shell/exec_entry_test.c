/* The packets between agent and PID 1, over a real socket into a network namespace. Needs root. */
#include "exec_entry.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct seen {
	reactor *r;
	exec_kind kinds[8];
	size_t n;
	int status;
	bool is_over;
} seen;

static void on_frame(void *self, const exec_frame *f, sot_str bytes)
{
	seen *s = self;
	(void)bytes;
	assert_true(s->n < 8);
	s->kinds[s->n++] = f->kind;
	if (f->kind == EXEC_END)
		s->status = f->status;
}

static void on_over(void *self)
{
	seen *s = self;
	s->is_over = true;
	reactor_stop(s->r);
}

/* A PID 1 in a network namespace of its own: it answers and is gone before it has read what the
 * agent sent. `ready` gets a byte when its door is open. */
static int serve_one(int ready)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(EXEC_DOOR_NAME));
	const exec_frame answers[] = {{.kind = EXEC_BEGUN},
	    {.kind = EXEC_OUTPUT, .data = (const uint8_t *)"0\n", .n = 2},
	    {.kind = EXEC_END, .reason = EXEC_EXITED, .status = 3}};
	uint8_t bytes[EXEC_FRAME_MAX], first;
	memcpy(at.sun_path + 1, EXEC_DOOR_NAME, sizeof(EXEC_DOOR_NAME) - 1);
	if (unshare(CLONE_NEWNET) != 0)
		return 1;
	int door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (bind(door, (struct sockaddr *)&at, n) != 0 || listen(door, 1) != 0 ||
	    write(ready, "r", 1) != 1)
		return 2;
	int far = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	if (recv(far, &first, 1, MSG_PEEK) != 1) /* OPEN has come, and stays unread */
		return 3;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		size_t len = exec_frame_write(&answers[i], bytes);
		if (len == 0 || send(far, bytes, len, 0) != (ssize_t)len)
			return 4;
	}
	return 0;
}

static void the_status_of_a_program_arrives_though_its_input_was_not_read(void **state)
{
	const exec_frame open = {.kind = EXEC_OPEN, .account = "admin", .term = "", .command = "true"};
	const exec_entry_events events = {on_frame, on_over};
	exec_entry *e = NULL;
	sot_err err = {0};
	seen s = {0};
	int ready[2], status = -1;
	char byte;
	(void)state;

	assert_int_equal(pipe(ready), 0);
	pid_t far = fork();
	assert_true(far >= 0);
	if (far == 0)
		_exit(serve_one(ready[1]));
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(reactor_new(&s.r, &err), SOT_OK);
	assert_int_equal(exec_entry_open(s.r, far, &open, &events, &s, &e, &err), SOT_OK);
	assert_int_equal(waitid(P_PID, (id_t)far, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);

	assert_int_equal(reactor_run(s.r, &err), SOT_OK);
	assert_true(s.is_over);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.kinds[2], EXEC_END);
	assert_int_equal(s.status, 3);
	e = exec_entry_free(e);
	s.r = reactor_free(s.r);
	assert_int_equal(waitpid(far, &status, 0), far);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_status_of_a_program_arrives_though_its_input_was_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
