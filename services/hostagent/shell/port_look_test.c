/* Looks at real sockets of this process's own network. */
#include "port_look.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "inside.h"

#define LOCAL 0x7f000001u

static int netns = -1;

static int setup(void **state)
{
	(void)state;
	(void)inside_own();
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return netns < 0;
}

static int teardown(void **state)
{
	(void)state;
	return close(netns);
}

/* A socket that is bound to a free port of the address; *port is that port. */
static int bound(uint32_t address, uint16_t *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
	socklen_t n = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &n), 0);
	*port = ntohs(to.sin_port);
	return fd;
}

static void who_listens_is_seen_and_who_does_not_is_not(void **state)
{
	uint16_t port;
	(void)state;
	int fd = bound(INADDR_ANY, &port);
	assert_false(port_look(netns, LOCAL, port)); /* bound, not listening */
	assert_int_equal(listen(fd, 8), 0);
	assert_true(port_look(netns, LOCAL, port));
	close(fd);
	assert_false(port_look(netns, LOCAL, port));
}

static void a_listener_on_another_address_does_not_count(void **state)
{
	uint16_t port;
	(void)state;
	int fd = bound(LOCAL + 1, &port);
	assert_int_equal(listen(fd, 8), 0);
	assert_false(port_look(netns, LOCAL, port));
	assert_true(port_look(netns, LOCAL + 1, port));
	close(fd);
}

static void a_listener_of_both_families_counts(void **state)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};
	socklen_t n = sizeof(to);
	int only_v6 = 0;
	(void)state;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &n), 0);
	assert_true(port_look(netns, LOCAL, ntohs(to.sin6_port)));
	close(fd);
}

/* An app that hangs accepts nothing: its queue fills, and no look may say that it is well. */
static void a_full_queue_does_not_count(void **state)
{
	enum { QUEUE = 2, CLIENTS = QUEUE + 1 };
	int clients[CLIENTS];
	uint16_t port;
	(void)state;
	int fd = bound(LOCAL, &port);
	assert_int_equal(listen(fd, QUEUE), 0);
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(LOCAL)};
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(port_look(netns, LOCAL, port), i < QUEUE);
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&to, sizeof(to)), 0);
	}
	assert_false(port_look(netns, LOCAL, port));
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	close(fd);
}

/* In a network of its own: brings its loopback up, listens there, tells the port, and stays. */
static void live_elsewhere(int to_parent)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	uint16_t port;
	if (unshare(CLONE_NEWNET) != 0)
		_exit(1);
	int fd = bound(INADDR_ANY, &port);
	if (ioctl(fd, SIOCSIFFLAGS, &lo) != 0 || listen(fd, 8) != 0 ||
	    write(to_parent, &port, sizeof(port)) != (ssize_t)sizeof(port))
		_exit(1);
	for (;;)
		(void)pause();
}

static ino_t network_here(void)
{
	struct stat st;
	assert_int_equal(stat("/proc/thread-self/ns/net", &st), 0);
	return st.st_ino;
}

static void the_process_is_a_way_in_that_ends_with_it(void **state)
{
	int ends[2];
	uint16_t port = 0;
	(void)state;
	if (geteuid() != 0)
		skip();
	ino_t home = network_here();
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0)
		live_elsewhere(ends[1]);
	assert_int_equal(read(ends[0], &port, sizeof(port)), sizeof(port));
	int way = inside_way(child);
	assert_true(way >= 0);
	assert_true(port_look(way, LOCAL, port));
	assert_false(port_look(netns, LOCAL, port)); /* that is not our own network */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_false(port_look(way, LOCAL, port));
	assert_int_equal(inside_socket(way, AF_INET, SOCK_STREAM), -1);
	assert_int_equal(inside_way(child), -1);
	assert_int_equal(inside_way(getpid()), -1); /* one of the host */
	assert_int_equal(network_here(), home);
	close(way);
	close(ends[0]);
	close(ends[1]);
}

static void a_namespace_that_is_none_is_no_answer(void **state)
{
	(void)state;
	assert_false(port_look(-1, LOCAL, 22));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_listens_is_seen_and_who_does_not_is_not),
	    cmocka_unit_test(a_listener_on_another_address_does_not_count),
	    cmocka_unit_test(a_listener_of_both_families_counts),
	    cmocka_unit_test(a_full_queue_does_not_count),
	    cmocka_unit_test(the_process_is_a_way_in_that_ends_with_it),
	    cmocka_unit_test(a_namespace_that_is_none_is_no_answer),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
