/* sotalia-scheduler: hosts, apps, instances, operations; one leads, others stand by. */
#include "service_main.h"
#include "shell/scheduler.h"

static sot_code load(int argc, char **argv, void *config, bool *ret_is_over, sot_err *err)
{
	return scheduler_config_load(argc, argv, config, ret_is_over, err);
}

static sot_code begin(reactor *loop, const void *config, void **ret, sot_err *err)
{
	SOT_AUTO(scheduler) s = NULL;
	sot_code code = scheduler_new(loop, config, &s, err);

	if (code == SOT_OK)
		*ret = SOT_TAKE(s);
	return code;
}

static void drain(void *work, void (*done)(void *self), void *self)
{
	scheduler_drain(work, done, self);
}

static void end(void *work)
{
	scheduler_free(work);
}

int main(int argc, char **argv)
{
	static const service_program program = {"scheduler", load, begin, drain, end};
	static scheduler_config config;

	return service_main(&program, &config, argc, argv);
}
