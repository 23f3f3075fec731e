/* sotalia-monitor-bridge: reports of hosts and instances, and platform events, to CAT. */
#include "reactor.h"
#include "shell/bridge.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#include <signal.h>
#include <stdio.h>

static void on_end(void *self, int signo)
{
	(void)signo;
	bridge_drain(self);
}

static void on_hangup(void *self, int signo)
{
	(void)self;
	(void)signo;
}

static sot_code serve(const bridge_config *config, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	SOT_AUTO(bridge) service = NULL;
	sot_code code = reactor_new(&loop, err);
	if (code == SOT_OK)
		code = bridge_new(loop, config, &service, err);
	if (code != SOT_OK)
		return code;
	(void)reactor_add_signal(loop, SIGTERM, on_end, service);
	(void)reactor_add_signal(loop, SIGINT, on_end, service);
	(void)reactor_add_signal(loop, SIGHUP, on_hangup, NULL);
	return reactor_run(loop, err);
}

int main(int argc, char **argv)
{
	bridge_config config;
	bool is_over = false;
	sot_err err;
	sot_failpoint_setup();
	sot_log_setup("monitor-bridge", SOT_INFO);
	if (bridge_config_load(argc, argv, &config, &is_over, &err) != SOT_OK) {
		(void)fprintf(stderr, "sotalia-monitor-bridge: %s\n", err.text);
		return 2;
	}
	if (is_over)
		return 0;
	if (serve(&config, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "bridge.failed", &err, "%s", "");
		return 1;
	}
	return 0;
}
