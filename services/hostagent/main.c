/* sotalia-hostagent: keeps the instances of this machine as the scheduler wants them. */
#include "control.h"
#include "service.h"
#include "shell/agent.h"
#include "shell/enrol.h"
#include "shell/footprint.h"
#include "shell/look_inside.h"
#include "shell/machine.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void drain(void *self)
{
	agent_drain(*(agent **)self);
}

static sot_code serve(const agent_config *config, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	SOT_AUTO(agent) hostagent = NULL;
	SOT_AUTO(control) socket = NULL;
	SOT_AUTO(service) shell = NULL;
	service_options options = {.drain = drain, .self = &hostagent};
	sot_code code = reactor_new(&loop, err);
	if (code == SOT_OK)
		code = agent_new(loop, config, &hostagent, err);
	if (code == SOT_OK)
		code = control_listen(
		    loop, config->control_socket, "hostagent", agent_is_healthy, hostagent, &socket, err);
	if (code == SOT_OK)
		code = service_new(loop, &options, &shell, err);
	if (code != SOT_OK)
		return code;
	service_ready(shell);
	return reactor_run(loop, err);
}

/* --keygen=PATH: makes the host's key pair and prints the public key, for the registration. */
static int keygen(const char *path)
{
	bus_keypair keys;
	sot_err err = {0};
	sot_code code = bus_keypair_make(&keys, &err);
	if (code == SOT_OK)
		code = bus_keypair_save(path, &keys, &err);
	if (code != SOT_OK) {
		(void)fprintf(stderr, "sotalia-hostagent: %s\n", err.text);
		return 1;
	}
	return puts(keys.public_key) >= 0 && fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	agent_config config;
	bool is_over = false;
	sot_level level = SOT_INFO;
	sot_err err = {0};
	if (argc == 2 && strncmp(argv[1], "--keygen=", 9) == 0)
		return keygen(argv[1] + 9);
	if (argc == 2 && strncmp(argv[1], "--inside=", 9) == 0)
		return look_inside_main(argv[1] + 9);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--preflight") == 0)
			return machine_preflight_main(argc, argv);
	if (enrol_is_asked(argc, argv))
		return enrol_main(argc, argv);
	/* Packages and what instances are given are read by their accounts; secrets say their own mode.
	 */
	(void)umask(0022);
	footprint_init();
	sot_failpoint_setup();
	sot_log_setup("hostagent", level);
	if (agent_config_load(argc, argv, &config, &is_over, &err) != SOT_OK ||
	    (!is_over && sot_level_parse(sot_str_c(config.log_level), &level, &err) != SOT_OK)) {
		(void)fprintf(stderr, "sotalia-hostagent: %s\n", err.text);
		return 2;
	}
	if (is_over)
		return 0;
	sot_log_setup("hostagent", level);
	if (serve(&config, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "agent.failed", &err, "%s", "");
		return 1;
	}
	return 0;
}
