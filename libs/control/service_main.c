#include "service_main.h"

#include <malloc.h>
#include <stdio.h>

#include "service.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#define KEPT_BYTES (4 * 1024 * 1024)

typedef struct process {
	const service_program *program;
	void *work;
	service *life;
} process;

static void on_drained(void *self)
{
	service_drained(((process *)self)->life);
}

static void drain(void *self)
{
	process *p = self;
	p->program->drain(p->work, on_drained, p);
}

static sot_code run(process *p, reactor *loop, sot_err *err)
{
	const service_options options = {.drain = drain, .self = p};
	sot_code code = service_new(loop, &options, &p->life, err);
	if (code != SOT_OK)
		return code;
	service_ready(p->life);
	code = reactor_run(loop, err);
	p->life = service_free(p->life);
	return code;
}

static sot_code serve(const service_program *program, const void *config, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	process p = {.program = program};
	sot_code code = reactor_new(&loop, err);
	if (code == SOT_OK)
		code = program->begin(loop, config, &p.work, err);
	if (code != SOT_OK)
		return code;
	code = run(&p, loop, err);
	program->end(p.work);
	return code;
}

/* What one batch or answer needs the next one needs, too: given back to the kernel in between, each
 * page of it is a fault again. */
static void keep_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

int service_main(const service_program *program, void *config, int argc, char **argv)
{
	bool is_over = false;
	sot_err err;
	keep_memory();
	sot_failpoint_setup();
	sot_log_setup(program->name, SOT_INFO);
	if (program->load(argc, argv, config, &is_over, &err) != SOT_OK) {
		(void)fprintf(stderr, "sotalia-%s: %s\n", program->name, err.text);
		return 2;
	}
	if (is_over)
		return 0;
	if (serve(program, config, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "service.failed", &err, "%s", "");
		return 1;
	}
	return 0;
}
