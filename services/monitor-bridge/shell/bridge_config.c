#include "shell/bridge_config.h"

#include "shell/bridge_options.h"

#include <stdio.h>
#include <string.h>

#define CONFIG(name, type, default_text, min, max, doc)                                            \
	{#name, SOT_CONFIG_##type, default_text, min, max, doc, offsetof(bridge_config, name)},
static const sot_config_key keys[] = {
#include "config.def"
};
#undef CONFIG

/* What from= may name in definitions. */
static void print_figures(void)
{
	for (int source = 0; source < FIGURE_SOURCES; source++) {
		const figure *f;
		for (size_t i = 0; (f = figure_nth((figure_source)source, i)); i++)
			(void)printf("%s %s\n", figure_source_name((figure_source)source), figure_name(f));
	}
}

static sot_code check_definitions(const char *file, sot_err *err)
{
	SOT_AUTO(definitions) d = NULL;
	sot_code code = bridge_definitions_load(file, &d, err);
	if (code == SOT_OK)
		(void)printf("%s is fine\n", file);
	return code;
}

sot_code bridge_config_load(
    int argc, char **argv, bridge_config *config, bool *ret_exit, sot_err *err)
{
	static const char check[] = "--check-definitions=";
	if (argc == 2 && strcmp(argv[1], "--figures") == 0) {
		print_figures();
		*ret_exit = true;
		return SOT_OK;
	}
	if (argc == 2 && strncmp(argv[1], check, sizeof(check) - 1) == 0) {
		*ret_exit = true;
		return check_definitions(argv[1] + sizeof(check) - 1, err);
	}
	return sot_config_load(
	    "monitor-bridge", keys, sizeof(keys) / sizeof(*keys), argc, argv, config, ret_exit, err);
}
