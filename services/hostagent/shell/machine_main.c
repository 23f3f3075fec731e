/* sotalia-hostagent --preflight: the findings for this machine, before or beside the agent. */
#include "machine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper_program.h"
#include "preflight.h"

enum { FACTS_MAX = 64 * 1024, INFO_MS = 5000, INFO_MAX = 1024 * 1024, VIEW_MS = 5000 };

typedef struct question {
	reactor *loop;
	sot_buf *facts;
	unsigned open; /* answers that are awaited */
} question;

static void answered(question *q)
{
	if (--q->open == 0)
		reactor_stop(q->loop);
}

static void on_info(void *self, const docker_reply *reply)
{
	question *q = self;
	machine_facts_docker(reply->code == SOT_OK ? reply->body : (sot_str){0}, q->facts);
	answered(q);
}

static void on_view(void *self, const reactor_child_result *result)
{
	question *q = self;
	sot_buf_printf(
	    q->facts, "lxcfs.answers=%s\n", sot_str_starts(result->out, "view ") ? "yes" : "no");
	answered(q);
}

static sot_code ask(const agent_config *config, sot_buf *facts, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	http_client *http = NULL;
	char program[PATH_MAX];
	question q = {.facts = facts};
	docker_request info = {
	    .method = "GET", .path = "/info", .deadline_ms = INFO_MS, .body_max = INFO_MAX};
	sot_code code = reactor_new(&loop, err);
	if (code == SOT_OK)
		code = http_client_new(loop, &http, err);
	if (code != SOT_OK)
		return code;
	q.loop = loop;
	docker *engine = docker_new(http, config->docker_socket);
	helper_program_find("sotalia-view", program);
	const char *const argv[] = {program, config->lxcfs_dir, NULL};
	q.open += docker_send(engine, &info, on_info, &q, err) == SOT_OK;
	q.open += *config->lxcfs_dir && reactor_spawn(loop, argv, NULL, (sot_str){0}, 4096, VIEW_MS,
	                                    on_view, &q, err) == SOT_OK;
	if (q.open > 0)
		code = reactor_run(loop, err);
	http_client_free(http);
	docker_free(engine);
	return code;
}

static void print(void *self, const preflight_rule *r, sot_str seen)
{
	(void)self;
	printf("%s  %s: %s (%s is '%.*s')\n    why   %s\n    mend  %s\n",
	    preflight_severity_name(r->severity), r->id, r->what, r->fact, SOT_ARG(seen), r->why,
	    r->mend);
}

static void count(void *self, const preflight_rule *r, sot_str seen)
{
	(void)self;
	(void)r;
	(void)seen;
}

static int tell(sot_str facts, bool is_json)
{
	SOT_AUTO_BUF out;
	sot_buf_init(&out, FACTS_MAX);
	int worst = preflight_judge(facts, is_json ? count : print, NULL);
	if (is_json) {
		preflight_render_json(facts, &out);
		printf("{\"findings\":%s}\n", out.p);
	} else if (worst < 0) {
		printf("nothing to complain about: %zu rules\n", preflight_rule_count);
	}
	return fflush(stdout) == 0 && worst < PREFLIGHT_WARNING ? 0 : 1;
}

int machine_preflight_main(int argc, char **argv)
{
	agent_config config;
	bool is_over = false, is_json = false;
	sot_err err = {0};
	SOT_AUTO_BUF facts;
	int kept = 1;
	for (int i = 1; i < argc; i++) {
		bool is_format = strcmp(argv[i], "-o") == 0 && i + 1 < argc;
		if (is_format)
			is_json = strcmp(argv[++i], "json") == 0;
		else if (strcmp(argv[i], "--preflight") != 0)
			argv[kept++] = argv[i];
	}
	sot_buf_init(&facts, FACTS_MAX);
	sot_code code = agent_config_load(kept, argv, &config, &is_over, &err);
	if (code != SOT_OK || is_over) {
		(void)fprintf(stderr, "sotalia-hostagent: %s\n", err.text);
		return 2;
	}
	machine_facts_read(&config, NULL, &facts);
	code = ask(&config, &facts, &err);
	if (code != SOT_OK)
		(void)fprintf(stderr, "sotalia-hostagent: %s\n", err.text);
	return tell(sot_buf_str(&facts), is_json);
}
