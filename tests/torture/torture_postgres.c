#include "torture_postgres.h"

#include "sot_parse.h"
#include "sot_time.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MAX = 40, RESTART_REST_MS = 200 };

static struct {
	char command[4096]; /* its words, each with a NUL behind it */
	char *words[WORDS_MAX];
	char user[32], group[32];
	pid_t pid;
	bool is_child; /* of this process: it must be waited for */
	sot_mono not_before;
} server;

static size_t read_proc(pid_t pid, const char *name, char *dst, size_t dst_size)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(dst, 1, dst_size - 1, file) : 0;
	if (file)
		(void)fclose(file);
	dst[n] = '\0';
	return n;
}

void postgres_remember(void)
{
	static char setpriv[] = "setpriv", init_groups[] = "--init-groups", end[] = "--";
	char path[64];
	struct stat owner;
	size_t count = 0;
	server.pid = pg_control_postmaster();
	size_t n = read_proc(server.pid, "cmdline", server.command, sizeof(server.command));
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)server.pid);
	assert_int_equal(stat(path, &owner), 0);
	(void)snprintf(server.user, sizeof(server.user), "--reuid=%u", owner.st_uid);
	(void)snprintf(server.group, sizeof(server.group), "--regid=%u", owner.st_gid);
	char *const head[] = {setpriv, server.user, server.group, init_groups, end};
	for (; count < sizeof(head) / sizeof(head[0]); count++)
		server.words[count] = head[count];
	for (char *at = server.command; at < server.command + n && count < WORDS_MAX - 1;
	     at += strlen(at) + 1)
		server.words[count++] = at;
	server.words[count] = NULL;
}

static pid_t parent_of(pid_t pid)
{
	char text[1024];
	int64_t parent = 0;
	(void)read_proc(pid, "status", text, sizeof(text));
	const char *at = strstr(text, "PPid:\t");
	if (!at)
		return 0;
	sot_str rest, word = sot_str_cut(sot_str_c(at + strlen("PPid:\t")), '\n', &rest);
	return sot_parse_i64(word, 0, INT32_MAX, &parent, NULL) == SOT_OK ? (pid_t)parent : 0;
}

static bool is_running(void)
{
	char text[64];
	if (server.is_child && waitpid(server.pid, NULL, WNOHANG) == server.pid)
		server.pid = 0;
	/* The one that pg.sh started may stay as a zombie for a while: it has no command line then. */
	return server.pid > 1 && read_proc(server.pid, "cmdline", text, sizeof(text)) > 0;
}

pid_t postgres_some_process(sot_rand *rand)
{
	pid_t chosen = is_running() ? server.pid : 0;
	uint64_t seen = 1;
	if (chosen == 0)
		return 0;
	DIR *proc = opendir("/proc");
	assert_non_null(proc);
	for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc)) {
		int64_t pid = 0;
		if (sot_parse_i64(sot_str_c(entry->d_name), 1, INT32_MAX, &pid, NULL) == SOT_OK &&
		    parent_of((pid_t)pid) == server.pid && sot_rand_below(rand, ++seen) == 0)
			chosen = (pid_t)pid;
	}
	(void)closedir(proc);
	return chosen;
}

void postgres_keep_alive(void)
{
	extern char **environ;
	char text[24];
	if (is_running() || !sot_mono_reached(sot_mono_now(), server.not_before))
		return;
	/* While children of the killed one still live, it refuses and ends: then again. */
	server.not_before = sot_mono_add_ms(sot_mono_now(), RESTART_REST_MS);
	posix_spawn_file_actions_t quiet;
	(void)posix_spawn_file_actions_init(&quiet);
	(void)posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", 1, 0);
	assert_int_equal(
	    posix_spawnp(&server.pid, server.words[0], &quiet, NULL, server.words, environ), 0);
	(void)posix_spawn_file_actions_destroy(&quiet);
	server.is_child = true;
	(void)snprintf(text, sizeof(text), "%d", (int)server.pid);
	assert_int_equal(setenv("SOT_PG_PID", text, 1), 0);
}

PGconn *postgres_connect(reactor *loop)
{
	char text[300];
	PGconn *pg = NULL;
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=postgres", getenv("SOT_PG_DIR"));
	for (int tries = 0; tries < 600; tries++) {
		postgres_keep_alive();
		pg = PQconnectdb(text);
		if (PQstatus(pg) == CONNECTION_OK)
			return pg;
		PQfinish(pg);
		(void)reactor_turn(loop, 100);
	}
	fail_msg("PostgreSQL does not come up again");
	return NULL;
}
