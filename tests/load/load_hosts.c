/* Simulated hosts for a control plane that somebody else has started: load_hosts FOLDER COUNT
 *
 * The scheduler's public key is FOLDER/scheduler.pub, its agents come to
 * ipc://FOLDER/scheduler-agents0; the database is that of tests/pg.sh. Their rows are there before
 * "ready" is printed: start the scheduler then. Runs until it is ended.
 */
#include "load_agents.h"

#include "sot_file.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MIN_MS = 5, STEP_MAX_MS = 20 };

static void read_key(load_world *w)
{
	char path[120];
	SOT_AUTO_BUF text;
	sot_err err = {0};
	sot_buf_init(&text, 4096);
	(void)snprintf(path, sizeof(path), "%s/scheduler.pub", w->dir);
	if (sot_file_read(path, &text, &err) != SOT_OK)
		load_die(path, err.text);
	sot_str rest, line = sot_str_cut(sot_buf_str(&text), '\n', &rest);
	(void)snprintf(w->scheduler_key, sizeof(w->scheduler_key), "%.*s", SOT_ARG(line));
}

int main(int argc, char **argv)
{
	load_world w = {.program = "load_hosts"};
	load_agents_options options = {
	    .pairs = 1, .step_min_ms = STEP_MIN_MS, .step_max_ms = STEP_MAX_MS};
	uint64_t count = 0;
	char conninfo[300];
	sot_err err = {0};
	const char *folder = getenv("SOT_PG_DIR");
	if (argc != 3 || folder == NULL ||
	    sot_parse_u64(sot_str_c(argv[2]), 1, 1000, &count, &err) != SOT_OK)
		load_die("usage", "load_hosts FOLDER COUNT, inside tests/pg.sh");
	(void)snprintf(w.dir, sizeof(w.dir), "%s", argv[1]);
	(void)snprintf(conninfo, sizeof(conninfo), "host=%s user=postgres dbname=sotalia", folder);
	w.pg = PQconnectdb(conninfo);
	if (PQstatus(w.pg) != CONNECTION_OK)
		load_die("the database", PQerrorMessage(w.pg));
	read_key(&w);
	if (reactor_new(&w.loop, &err) != SOT_OK)
		load_die("the loop", err.text);
	options.count = count;
	load_agents *agents = load_agents_new(&w, &options);
	(void)puts("ready");
	(void)fflush(stdout);
	sot_code code = reactor_run(w.loop, &err);
	agents = load_agents_free(agents);
	PQfinish(w.pg);
	w.loop = reactor_free(w.loop);
	return code == SOT_OK ? 0 : 1;
}
