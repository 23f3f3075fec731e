/* sotalia-api-gateway: HTTPS, authentication, reads, changes, uploads, events. See README.md. */
#include "shell/gateway.h"
#include "shell/gw_admin.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <sys/resource.h>

const sot_config_key gateway_config_keys[] = {
#define CONFIG(name, type, default_text, min, max, doc)                                            \
	{#name, SOT_CONFIG_##type, default_text, min, max, doc, offsetof(gateway_config, name)},
#include "config.def"
#undef CONFIG
};
const size_t gateway_config_key_count =
    sizeof(gateway_config_keys) / sizeof(gateway_config_keys[0]);

/* A core would hold passwords and tokens of the moment, and the keys. */
static void leave_no_core(void)
{
	const struct rlimit none = {0, 0};
	(void)setrlimit(RLIMIT_CORE, &none);
}

int main(int argc, char **argv)
{
	static gateway_config config;
	gw_admin admin;
	bool is_admin = gw_admin_take(&argc, argv, &admin), done = false;
	sot_level level = SOT_INFO;
	sot_err err = {0};
	sot_code code;
	leave_no_core();
	sot_failpoint_setup();
	sot_log_setup("api-gateway", level);
	code = sot_config_load("api-gateway", gateway_config_keys, gateway_config_key_count, argc, argv,
	    &config, &done, &err);
	if (code == SOT_OK && done)
		return 0;
	if (code == SOT_OK)
		code = sot_level_parse(sot_str_c(config.log_level), &level, &err);
	if (code == SOT_OK) {
		sot_log_setup("api-gateway", level);
		code = is_admin ? gw_admin_run(&config, &admin, &err) : gateway_run(&config, &err);
	}
	if (code == SOT_OK)
		return 0;
	sot_log_err(SOT_ERROR, "service.failed", &err, "exit=1");
	return 1;
}
