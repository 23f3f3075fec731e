/* sot_config_internal - what the two halves of sot_config share: reading a value, printing a table.
 */
#ifndef SOT_CONFIG_INTERNAL_H
#define SOT_CONFIG_INTERNAL_H

#include "sot_config.h"

typedef struct sot_config_table {
	const char *service;
	const sot_config_key *keys;
	size_t key_count;
} sot_config_table;

/* "SOT_MONITOR_BRIDGE_" for "monitor-bridge". dst holds 128 bytes. */
char *sot_config_environment_prefix(const char *service, char dst[static 128]);
/* All of --help on stdout. */
void sot_config_print_help(const sot_config_table *table);

#endif
