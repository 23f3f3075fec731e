/* bridge_config - the service's keys as a struct; the table is config.def. */
#ifndef MONITOR_BRIDGE_CONFIG_H
#define MONITOR_BRIDGE_CONFIG_H

#include "sot_config.h"

#define CONFIG(name, type, default_text, min, max, doc) SOT_CONFIG_MEMBER_##type(name)
typedef struct bridge_config {
#include "config.def"
} bridge_config;
#undef CONFIG

/* Reads all sources. *ret_exit: end at once with success (--help and the like). */
sot_code bridge_config_load(
    int argc, char **argv, bridge_config *config, bool *ret_exit, sot_err *err) SOT_CHECK;

#endif
