/* sotalia-scheduler: hosts, apps, instances, operations; one leads, others stand by. */
#include "shell/scheduler.h"

#include <stdio.h>

#include "service.h"
#include "sot_failpoint.h"
#include "sot_log.h"

typedef struct process {
	scheduler *scheduler;
	service *service;
} process;

static void on_drained(void *self)
{
	service_drained(((process *)self)->service);
}

static void drain(void *self)
{
	process *p = self;

	scheduler_drain(p->scheduler, on_drained, p);
}

static sot_code serve(const scheduler_config *config, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	SOT_AUTO(scheduler) work = NULL;
	SOT_AUTO(service) life = NULL;
	process p = {NULL, NULL};
	const service_options options = {.drain = drain, .self = &p};
	sot_code code = reactor_new(&loop, err);

	if (code == SOT_OK)
		code = scheduler_new(loop, config, &work, err);
	if (code == SOT_OK)
		code = service_new(loop, &options, &life, err);
	if (code != SOT_OK)
		return code;
	p = (process){work, life};
	service_ready(life);
	return reactor_run(loop, err);
}

int main(int argc, char **argv)
{
	scheduler_config config;
	bool is_over = false;
	sot_err err;

	sot_failpoint_setup();
	sot_log_setup("scheduler", SOT_INFO);
	if (scheduler_config_load(argc, argv, &config, &is_over, &err) != SOT_OK) {
		(void)fprintf(stderr, "sotalia-scheduler: %s\n", err.text);
		return 2;
	}
	if (is_over)
		return 0;
	if (serve(&config, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "scheduler.failed", &err, "%s", "");
		return 1;
	}
	return 0;
}
