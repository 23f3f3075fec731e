/* The control socket over a real unix socket, and the signals and the watchdog of a service. */
#include "control.h"
#include "service.h"
#include "sot_failpoint.h"
#include "sot_metrics.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 60000 };

typedef struct fixture {
	reactor *r;
	control *c;
	char dir[64];
	struct sockaddr_un address;
	bool healthy;
	char reply[65536];
} fixture;

static bool health(void *self, sot_buf *reasons)
{
	fixture *f = self;
	if (!f->healthy)
		sot_buf_add_c(reasons, "database: no connection for 12 s");
	return f->healthy;
}

static int setup(void **state)
{
	fixture *f = sot_alloc(sizeof(*f));
	sot_err err;
	assert_int_equal(reactor_new(&f->r, &err), SOT_OK);
	snprintf(f->dir, sizeof(f->dir), "/tmp/control_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->address.sun_family = AF_UNIX;
	snprintf(f->address.sun_path, sizeof(f->address.sun_path), "%s/control", f->dir);
	assert_int_equal(
	    control_listen(f->r, f->address.sun_path, "ipam", health, f, &f->c, &err), SOT_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture *f = *state;
	control_free(f->c);
	reactor_free(f->r);
	assert_int_equal(rmdir(f->dir), 0); /* the socket file is gone */
	free(f);
	return 0;
}

static int dial(fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
	return fd;
}

static const char *read_reply(fixture *f, int fd)
{
	size_t n = 0;
	for (;;) {
		ssize_t came = recv(fd, f->reply + n, sizeof(f->reply) - 1 - n, MSG_DONTWAIT);
		if (came == 0)
			break;
		if (came < 0) {
			assert_int_equal(errno, EAGAIN);
			reactor_turn(f->r, 1000);
			continue;
		}
		n += (size_t)came;
	}
	f->reply[n] = '\0';
	close(fd);
	return f->reply;
}

static const char *ask(fixture *f, const char *line)
{
	int fd = dial(f);
	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	return read_reply(f, fd);
}

static void a_service_says_how_it_is(void **state)
{
	fixture *f = *state;
	f->healthy = true;
	assert_string_equal(ask(f, "health\n"), "ok\n");
	f->healthy = false;
	assert_string_equal(ask(f, "health\n"), "failing\ndatabase: no connection for 12 s\n");
	assert_string_equal(ask(f, "version\r\n"), "sotalia-ipam " SOT_VERSION "\n");
}

static void metrics_are_openmetrics_text(void **state)
{
	fixture *f = *state;
	sot_metric_add(sot_counter("sot_test_things_total", NULL, "Things."), 3);
	const char *text = ask(f, "metrics\n");
	assert_non_null(strstr(text, "sot_test_things_total 3\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static sot_code fail_here(sot_err *err)
{
	SOT_FAILPOINT("control.test.point", err);
	return SOT_OK;
}

static void failpoints_are_listed_and_armed(void **state)
{
	fixture *f = *state;
	sot_err err;
	assert_non_null(strstr(ask(f, "failpoint list\n"), "control.test.point off\n"));
	assert_string_equal(ask(f, "failpoint set control.test.point error\n"), "ok\n");
	assert_non_null(strstr(ask(f, "failpoint list\n"), "control.test.point armed\n"));
	assert_int_equal(fail_here(&err), SOT_UNAVAILABLE);
	assert_int_equal(strncmp(ask(f, "failpoint set no.such.point crash\n"), "error: ", 7), 0);
	assert_int_equal(strncmp(ask(f, "failpoint set\n"), "error: ", 7), 0);
}

static void nonsense_is_answered_with_an_error(void **state)
{
	fixture *f = *state;
	static const char *const lines[] = {"\n", "nonsense\n", "metrics now\n", "log level loud\n"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(strncmp(ask(f, lines[i]), "error: ", 7), 0);
	assert_string_equal(ask(f, "log level warn\n"), "ok\n");
	char longer[3000];
	memset(longer, 'x', sizeof(longer));
	memcpy(longer + sizeof(longer) - 2, "\n", 2);
	assert_int_equal(strncmp(ask(f, longer), "error: ", 7), 0);
}

static void a_line_may_come_in_pieces(void **state)
{
	fixture *f = *state;
	int fd = dial(f);
	for (const char *c = "version\n"; *c; c++) {
		assert_int_equal(send(fd, c, 1, 0), 1);
		reactor_turn(f->r, 0);
		reactor_turn(f->r, 0);
	}
	assert_non_null(strstr(read_reply(f, fd), "sotalia-ipam"));
}

static void silent_clients_do_not_keep_others_out_beyond_sixteen(void **state)
{
	fixture *f = *state;
	f->healthy = true;
	int silent[17];
	for (int i = 0; i < 17; i++) {
		silent[i] = dial(f);
		reactor_turn(f->r, 0);
		reactor_turn(f->r, 0);
	}
	char byte;
	assert_int_equal(recv(silent[16], &byte, 1, 0), 0); /* the seventeenth was closed */
	for (int i = 0; i < 17; i++)
		close(silent[i]);
	assert_string_equal(ask(f, "health\n"), "ok\n");
}

static void the_socket_is_private_and_a_second_service_is_refused(void **state)
{
	fixture *f = *state;
	struct stat st;
	assert_int_equal(stat(f->address.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	control *second = NULL;
	sot_err err;
	sot_code code = control_listen(f->r, f->address.sun_path, "ipam", NULL, NULL, &second, &err);
	assert_int_equal(code, SOT_CONFLICT);
	assert_int_equal(control_listen(f->r, "", "ipam", NULL, NULL, &second, &err), SOT_OK);
	assert_null(second);
}

static void a_socket_file_left_by_a_dead_process_is_replaced(void **state)
{
	fixture *f = *state;
	f->c = control_free(f->c);
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(dead, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
	close(dead);
	sot_err err;
	assert_int_equal(
	    control_listen(f->r, f->address.sun_path, "ipam", NULL, NULL, &f->c, &err), SOT_OK);
	assert_string_equal(ask(f, "health\n"), "ok\n");
}

/* ---- service ---- */

typedef struct drain_trial {
	service *s;
	int drains;
	bool finishes;
} drain_trial;

static void on_drain(void *self)
{
	drain_trial *t = self;
	t->drains++;
	assert_true(service_is_draining(t->s));
	if (t->finishes)
		service_drained(t->s);
}

/* Starts a service, sends it `signals` SIGTERMs, runs it to its end. */
static drain_trial run_service(fixture *f, bool finishes, int signals, int64_t deadline_ms)
{
	drain_trial t = {.finishes = finishes};
	sot_err err;
	const service_options options = {
	    .drain = on_drain, .self = &t, .drain_deadline_ms = deadline_ms, .watchdog_ms = -1};
	assert_int_equal(service_new(f->r, &options, &t.s, &err), SOT_OK);
	for (int i = 0; i < signals; i++)
		kill(getpid(), SIGTERM);
	assert_int_equal(reactor_run(f->r, &err), SOT_OK);
	service_free(t.s);
	return t;
}

static void a_signal_drains_and_the_end_of_the_drain_or_a_second_one_stops(void **state)
{
	fixture *f = *state;
	assert_int_equal(run_service(f, true, 1, LONG_MS).drains, 1);
	assert_int_equal(run_service(f, false, 2, LONG_MS).drains, 1);
	assert_int_equal(run_service(f, false, 1, 50).drains, 1); /* the drain's deadline */
}

/* The supervisor's socket, named in the environment. */
static int supervise(const fixture *f, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/notify", f->dir);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	setenv("NOTIFY_SOCKET", ret->sun_path, 1);
	return fd;
}

static void the_supervisor_is_told(void **state)
{
	fixture *f = *state;
	struct sockaddr_un a;
	int fd = supervise(f, &a);
	service_ready(NULL);
	run_service(f, true, 1, LONG_MS);
	unsetenv("NOTIFY_SOCKET");
	char text[32] = "";
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 7);
	assert_string_equal(text, "READY=1");
	assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 10);
	assert_memory_equal(text, "STOPPING=1", 10);
	close(fd);
	unlink(a.sun_path);
}

typedef struct child_end {
	reactor *r;
	int exit_status;
	bool said_why;
} child_end;

static void on_child(void *self, const reactor_child_result *result)
{
	child_end *e = self;
	e->exit_status = result->exit_status;
	char text[4096];
	assert_int_equal(sot_str_copy(result->err_text, text, sizeof(text), NULL), SOT_OK);
	e->said_why = strstr(text, "watchdog: the event loop has not turned") != NULL;
	reactor_stop(e->r);
}

/* This program once more, as a service that `does` something to its loop. */
static child_end run_child(fixture *f, const char *does, const char *const *env)
{
	char self_path[4096];
	ssize_t n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	assert_true(n > 0);
	self_path[n] = '\0';
	const char *argv[] = {self_path, does, NULL};
	child_end e = {.r = f->r};
	sot_err err;
	assert_int_equal(
	    reactor_spawn(f->r, argv, env, SOT_STR(""), 4000, LONG_MS, on_child, &e, &err), SOT_OK);
	assert_int_equal(reactor_run(f->r, &err), SOT_OK);
	return e;
}

static void a_loop_that_hangs_is_aborted(void **state)
{
	child_end e = run_child(*state, "hang", NULL);
	assert_int_equal(e.exit_status, 256 + SIGABRT);
	assert_true(e.said_why);
	e = run_child(*state, "spin", NULL);
	assert_int_equal(e.exit_status, 256 + SIGABRT);
	assert_true(e.said_why);
}

static void a_loop_that_gets_no_processor_is_not_aborted(void **state)
{
	child_end e = run_child(*state, "starve", NULL);
	assert_int_equal(e.exit_status, 0);
	assert_false(e.said_why);
}

/* Its watchdog counts wall time, so it is fed while the loop gets no processor. */
static void the_supervisor_hears_of_a_loop_that_gets_no_processor(void **state)
{
	fixture *f = *state;
	struct sockaddr_un a;
	char text[32], name[160];
	const char *const env[] = {name, "WATCHDOG_USEC=30000000", NULL};
	ssize_t n;
	unsigned fed = 0;
	int fd = supervise(f, &a);
	unsetenv("NOTIFY_SOCKET");
	snprintf(name, sizeof(name), "NOTIFY_SOCKET=%s", a.sun_path);
	child_end e = run_child(f, "starve", env);
	while ((n = recv(fd, text, sizeof(text), MSG_DONTWAIT)) > 0)
		fed += n == 10 && memcmp(text, "WATCHDOG=1", 10) == 0;
	close(fd);
	unlink(a.sun_path);
	assert_int_equal(e.exit_status, 0);
	assert_true(fed > 0);
}

/* ---- the children of the tests above ---- */

enum { RIVALS = 3, STARVED_MS = 1500, WORK_MS = 50 };

static int64_t clock_ms(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static atomic_bool is_fed;

static void *compute_until_fed(void *self)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + STARVED_MS;
	while (!atomic_load(&is_fed) && clock_ms(CLOCK_MONOTONIC) < end) {
	}
	return self;
}

static void work_a_little(void *self, uint64_t missed)
{
	(void)missed;
	int64_t end = clock_ms(CLOCK_THREAD_CPUTIME_ID) + WORK_MS;
	while (clock_ms(CLOCK_THREAD_CPUTIME_ID) < end) {
	}
	reactor_stop(self);
}

static void work_for_ever(void *self, uint64_t missed)
{
	(void)missed;
	for (volatile int k = 0;; k++) {
		(void)self;
	}
}

/* One processor, threads that compute all the time, and a loop that runs only when nobody else
 * wants to: 50 ms of work take longer than the limit. 0: the loop was let finish. */
static int starve(reactor *r, service *s)
{
	pthread_t rivals[RIVALS];
	sot_err err;
	int64_t begun_ms = clock_ms(CLOCK_MONOTONIC);
	for (int i = 0; i < RIVALS; i++)
		if (pthread_create(&rivals[i], NULL, compute_until_fed, NULL) != 0)
			return 5;
	const struct sched_param none = {0};
	if (sched_setscheduler(0, SCHED_IDLE, &none) != 0)
		return 6;
	reactor_after_ms(r, 0, work_a_little, r);
	int code = reactor_run(r, &err) == SOT_OK ? 0 : 3;
	service_free(s); /* from here on the loop does not turn, and the end may take its time */
	if (clock_ms(CLOCK_MONOTONIC) < begun_ms + 250)
		return 7; /* it did not starve: nothing was shown */
	atomic_store(&is_fed, true);
	for (int i = 0; i < RIVALS; i++)
		(void)pthread_join(rivals[i], NULL);
	return code;
}

/* For this thread and those it makes. */
static bool stay_on_one_processor(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	return sched_setaffinity(0, sizeof(one), &one) == 0;
}

static int serve(const char *how)
{
	reactor *r = NULL;
	service *s = NULL;
	sot_err err;
	const service_options options = {.watchdog_ms = 200};
	if (strcmp(how, "starve") == 0 && !stay_on_one_processor())
		return 4;
	if (reactor_new(&r, &err) != SOT_OK || service_new(r, &options, &s, &err) != SOT_OK)
		return 1;
	if (strcmp(how, "starve") == 0) {
		int code = starve(r, s);
		reactor_free(r);
		return code;
	}
	if (strcmp(how, "spin") == 0)
		reactor_after_ms(r, 0, work_for_ever, NULL);
	else if (sot_failpoint_set("service.loop.beat", "hang", &err) != SOT_OK)
		return 1;
	return reactor_run(r, &err) == SOT_OK ? 2 : 3;
}

#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	if (argc == 2)
		return serve(argv[1]);
	const struct CMUnitTest tests[] = {
	    CONTROL_TEST(a_service_says_how_it_is),
	    CONTROL_TEST(metrics_are_openmetrics_text),
	    CONTROL_TEST(failpoints_are_listed_and_armed),
	    CONTROL_TEST(nonsense_is_answered_with_an_error),
	    CONTROL_TEST(a_line_may_come_in_pieces),
	    CONTROL_TEST(silent_clients_do_not_keep_others_out_beyond_sixteen),
	    CONTROL_TEST(the_socket_is_private_and_a_second_service_is_refused),
	    CONTROL_TEST(a_socket_file_left_by_a_dead_process_is_replaced),
	    CONTROL_TEST(a_signal_drains_and_the_end_of_the_drain_or_a_second_one_stops),
	    CONTROL_TEST(the_supervisor_is_told),
	    CONTROL_TEST(a_loop_that_hangs_is_aborted),
	    CONTROL_TEST(a_loop_that_gets_no_processor_is_not_aborted),
	    CONTROL_TEST(the_supervisor_hears_of_a_loop_that_gets_no_processor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
