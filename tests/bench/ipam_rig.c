#include "ipam_rig.h"

#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static ipam_rig *current; /* its server must not outlive the bench, however that ends */

_Noreturn void rig_die(const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
	if (current && current->server > 0)
		(void)kill(current->server, SIGTERM);
	exit(1);
}

void rig_need_postgres(char **argv)
{
	if (getenv("SOT_PG_DIR"))
		return;
	execl(PG_SCRIPT, PG_SCRIPT, "run", argv[0], argv[1], (char *)NULL);
	rig_die("starting", PG_SCRIPT);
}

void rig_make_keys(ipam_rig *r, const char *name, bus_keypair *ret)
{
	char path[128];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/%s.key", r->dir, name);
	if (bus_keypair_make(ret, &err) != SOT_OK || bus_keypair_save(path, ret, &err) != SOT_OK)
		rig_die("keys", err.text);
	(void)snprintf(path, sizeof(path), "%s/%s.pub", r->dir, name);
	if (sot_file_write(path, sot_str_c(ret->public_key), 0644, &err) != SOT_OK)
		rig_die("keys", err.text);
}

ipam_rig *rig_open(void)
{
	char text[300];
	ipam_rig *r = sot_alloc(sizeof(*r));
	current = r;
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/sotalia-ipam-bench.XXXXXX");
	if (!mkdtemp(r->dir))
		rig_die("mkdtemp", r->dir);
	rig_make_keys(r, "ipam", &r->server_keys);
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=postgres", getenv("SOT_PG_DIR"));
	r->pg = PQconnectdb(text);
	if (PQstatus(r->pg) != CONNECTION_OK)
		rig_die("connecting", PQerrorMessage(r->pg));
	return r;
}

static void remove_folder(const char *dir)
{
	DIR *open = opendir(dir);
	for (struct dirent *entry = open ? readdir(open) : NULL; entry; entry = readdir(open)) {
		char path[sizeof(entry->d_name) + 66];
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		(void)unlink(path);
	}
	if (open)
		(void)closedir(open);
	(void)rmdir(dir);
}

ipam_rig *rig_close(ipam_rig *r)
{
	rig_end_server(r);
	PQfinish(r->pg);
	remove_folder(r->dir);
	current = NULL;
	free(r);
	return NULL;
}

void rig_start_server(ipam_rig *r, const char *agents_endpoint)
{
	extern char **environ;
	char keys[100], requests[100], hints[100], agents[100], database[200],
	    level[] = "--log_level=warn";
	(void)snprintf(keys, sizeof(keys), "--keys_dir=%s", r->dir);
	(void)snprintf(requests, sizeof(requests), "--requests_endpoint=ipc://%s/requests", r->dir);
	(void)snprintf(hints, sizeof(hints), "--hints_endpoint=ipc://%s/hints", r->dir);
	(void)snprintf(agents, sizeof(agents), "--agents_endpoint=%s%s%s",
	    agents_endpoint ? agents_endpoint : "ipc://", agents_endpoint ? "" : r->dir,
	    agents_endpoint ? "" : "/agents");
	(void)snprintf(database, sizeof(database), "--database=host=%s dbname=sotalia user=sot_ipam",
	    getenv("SOT_PG_DIR"));
	char binary[] = IPAM_BINARY;
	char *argv[] = {binary, keys, requests, hints, agents, database, level, NULL};
	if (posix_spawn(&r->server, binary, NULL, NULL, argv, environ) != 0)
		rig_die("starting", IPAM_BINARY);
}

void rig_end_server(ipam_rig *r)
{
	if (r->server <= 0)
		return;
	(void)kill(r->server, SIGTERM);
	(void)waitpid(r->server, NULL, 0);
	r->server = 0;
}

void rig_requests_endpoint(const ipam_rig *r, char *ret, size_t size)
{
	(void)snprintf(ret, size, "ipc://%s/requests", r->dir);
}

int64_t rig_sql(ipam_rig *r, const char *text)
{
	PGresult *res = PQexec(r->pg, text);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rig_die(text, PQerrorMessage(r->pg));
	int64_t value = 0;
	if (PQntuples(res) > 0 && sot_parse_i64(sot_str_c(PQgetvalue(res, 0, 0)), INT64_MIN, INT64_MAX,
	                              &value, NULL) != SOT_OK)
		value = 0;
	PQclear(res);
	return value;
}
