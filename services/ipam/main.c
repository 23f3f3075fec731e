/* sotalia-ipam: networks and addresses. See README.md. */
#include "shell/ipam.h"
#include "sot_failpoint.h"
#include "sot_log.h"

static const sot_config_key config_keys[] = {
#define CONFIG(name, type, text, min, max, doc)                                                    \
	SOT_CONFIG_ROW(ipam_config, name, type, text, min, max, doc)
#include "config.def"
#undef CONFIG
};

static sot_code serve(const ipam_config *config, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	sot_code code = reactor_new(&loop, err);
	if (code != SOT_OK)
		return code;
	SOT_AUTO(ipam) ip = NULL;
	code = ipam_new(loop, config, &ip, err);
	return code == SOT_OK ? ipam_run(ip, err) : code;
}

int main(int argc, char **argv)
{
	static ipam_config config;
	bool is_over = false;
	sot_err err = {0};
	sot_level level = SOT_INFO;
	sot_failpoint_setup();
	sot_log_setup("ipam", level);
	sot_code code = sot_config_load("ipam", config_keys,
	    sizeof(config_keys) / sizeof(config_keys[0]), argc, argv, &config, &is_over, &err);
	if (code == SOT_OK && is_over)
		return 0;
	if (code == SOT_OK)
		code = sot_level_parse(sot_str_c(config.log_level), &level, &err);
	if (code == SOT_OK) {
		sot_log_setup("ipam", level);
		code = serve(&config, &err);
	}
	if (code == SOT_OK)
		return 0;
	sot_log_err(SOT_ERROR, "service.failed", &err, "exit=1");
	return 1;
}
