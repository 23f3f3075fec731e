#include "shell/bridge_config.h"

#define CONFIG(name, type, default_text, min, max, doc)                                            \
	{#name, SOT_CONFIG_##type, default_text, min, max, doc, offsetof(bridge_config, name)},
static const sot_config_key keys[] = {
#include "config.def"
};
#undef CONFIG

sot_code bridge_config_load(
    int argc, char **argv, bridge_config *config, bool *ret_exit, sot_err *err)
{
	return sot_config_load(
	    "monitor-bridge", keys, sizeof(keys) / sizeof(*keys), argc, argv, config, ret_exit, err);
}
