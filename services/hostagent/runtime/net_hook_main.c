/* sotalia-net-hook - the createRuntime hook of an instance: reads the OCI state from stdin, and
 * gives the container's network namespace its link, addresses and routes before PID 1 runs. Needs
 * nothing but the record and the bridge: no agent, no control plane.
 */
#include "boot_gate.h"
#include "instance_net.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sot_mem.h"

enum { OCI_STATE_MAX = 1024 * 1024 };

typedef struct oci_state {
	char id[NET_RECORD_ID_MAX + 1];
	int pid;
} oci_state;

static sot_code read_stdin(sot_buf *text, sot_err *err)
{
	char piece[4096];
	for (;;) {
		ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "read the OCI state");
		if (n == 0)
			break;
		sot_buf_add(text, piece, (size_t)n);
	}
	return sot_buf_failed(text) ? sot_fail(err, SOT_LIMIT, "the OCI state is too long") : SOT_OK;
}

static sot_code parse_state(sot_str text, oci_state *ret, sot_err *err)
{
	json_t *object = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	const char *id = json_string_value(json_object_get(object, "id"));
	json_int_t pid = json_integer_value(json_object_get(object, "pid"));
	oci_state state = {.pid = (int)pid};
	sot_code code = SOT_OK;
	if (!id || pid <= 0 || pid > 1 << 30)
		code = sot_fail(err, SOT_INVALID, "stdin is not the state of a running OCI container");
	else
		code = sot_str_copy(sot_str_c(id), state.id, sizeof(state.id), err);
	json_decref(object);
	if (code == SOT_OK)
		*ret = state;
	return code;
}

static sot_code open_netns(const char *path, int *ret, sot_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "open %s", path);
	*ret = fd;
	return SOT_OK;
}

/* A container that shares the host's network must never be wired: it would change the host. */
static sot_code refuse_host_network(int inside_fd, int host_fd, sot_err *err)
{
	struct stat inside, host;
	if (fstat(inside_fd, &inside) != 0 || fstat(host_fd, &host) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "fstat of a network namespace");
	if (inside.st_dev == host.st_dev && inside.st_ino == host.st_ino)
		return sot_fail(err, SOT_INVALID,
		    "the container shares the host's network; create it with --network none");
	return SOT_OK;
}

/* The guard table is gone (somebody flushed it): sotalia-netd lies beside this program. */
static sot_code make_table(void *self, sot_err *err)
{
	static const char name[] = "sotalia-netd";
	static char option[] = "--guard-table";
	char path[PATH_MAX];
	int status = 0;
	(void)self;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
	if (n < 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "readlink /proc/self/exe");
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	memcpy(slash ? slash + 1 : path, name, sizeof(name));
	char *const arguments[] = {path, option, NULL};
	char *const environment[] = {NULL};
	pid_t child = 0;
	int why = posix_spawn(&child, path, NULL, NULL, arguments, environment);
	if (why != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "start %s", path);
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return sot_fail(err, SOT_UNAVAILABLE, "%s --guard-table failed", path);
	return SOT_OK;
}

/* The repeats of the announcement outlive the hook: PID 1 does not wait for them, nor for the
 * 12 ms that closing a packet socket takes. The runtime waits for the end of our stderr, so the
 * announcer gives it away. The hook ends at once, so the child becomes its runtime's. */
static void repeat_detached(const net_record *record, const instance_announcer *announcer)
{
	pid_t child = fork();
	if (child != 0)
		return;
	(void)setsid();
	int null_fd = open("/dev/null", O_RDWR);
	if (null_fd >= 0)
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			(void)dup2(null_fd, fd);
	instance_net_repeat(record, announcer);
	_exit(0);
}

static sot_code open_namespaces(const oci_state *container, instance_net_context *ret, sot_err *err)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", container->pid);
	sot_code code = open_netns(path, &ret->netns_fd, err);
	if (code == SOT_OK)
		code = open_netns("/proc/self/ns/net", &ret->host_netns_fd, err);
	if (code == SOT_OK)
		code = refuse_host_network(ret->netns_fd, ret->host_netns_fd, err);
	return code;
}

/* The namespaces' descriptors are closed by the end of the process. */
static sot_code wire(const char *state_folder, const oci_state *container, sot_err *err)
{
	instance_net_context context = {.netns_fd = -1, .host_netns_fd = -1, .make_table = make_table};
	instance_announcer announcer = {.packet_fd = -1};
	net_record record = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, NET_RECORD_FILE_MAX);

	sot_code code = net_record_load(state_folder, container->id, &text, &record, err);
	if (code != SOT_OK)
		return code;
	code = open_namespaces(container, &context, err);
	if (code == SOT_OK)
		code = boot_gate_pass(state_folder, container->id, &record, err);
	if (code == SOT_OK)
		code = instance_net_wire(&record, &context, &announcer, err);
	if (code == SOT_OK) {
		repeat_detached(&record, &announcer);
		boot_gate_note(state_folder, container->id);
	} else {
		(void)sot_wrap(err, "instance %.63s", record.name);
	}
	net_record_clear(&record);
	return code;
}

int main(int argc, char **argv)
{
	static const char option[] = "--state=";
	sot_err err = {0};
	oci_state container = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, OCI_STATE_MAX);

	if (argc < 2 || strncmp(argv[1], option, sizeof(option) - 1) != 0) {
		fprintf(stderr, "usage: sotalia-net-hook --state=DIR < OCI state\n");
		return 2;
	}
	sot_code code = read_stdin(&text, &err);
	if (code == SOT_OK)
		code = parse_state(sot_buf_str(&text), &container, &err);
	if (code == SOT_OK)
		code = wire(argv[1] + sizeof(option) - 1, &container, &err);
	if (code != SOT_OK)
		fprintf(stderr, "sotalia-net-hook: %s\n", err.text);
	return code == SOT_OK ? 0 : 1;
}
