/* sotalia-monitor-bridge: reports of hosts and instances, and platform events, to CAT. */
#include "service_main.h"
#include "shell/bridge.h"

static sot_code load(int argc, char **argv, void *config, bool *ret_is_over, sot_err *err)
{
	return bridge_config_load(argc, argv, config, ret_is_over, err);
}

static sot_code begin(reactor *loop, const void *config, void **ret, sot_err *err)
{
	SOT_AUTO(bridge) b = NULL;
	sot_code code = bridge_new(loop, config, &b, err);
	if (code == SOT_OK)
		*ret = SOT_TAKE(b);
	return code;
}

static void drain(void *work, void (*done)(void *self), void *self)
{
	bridge_drain(work, done, self);
}

static void end(void *work)
{
	bridge_free(work);
}

int main(int argc, char **argv)
{
	static const service_program program = {"monitor-bridge", load, begin, drain, end};
	static bridge_config config;
	return service_main(&program, &config, argc, argv);
}
