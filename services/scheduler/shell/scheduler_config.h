/* scheduler_config - the keys of config.def as a struct. */
#ifndef SCHEDULER_CONFIG_H
#define SCHEDULER_CONFIG_H

#include "sot_config.h"

typedef struct scheduler_config {
#define CONFIG(name, type, ...) SOT_CONFIG_MEMBER_##type(name)
#include "config.def"
#undef CONFIG
} scheduler_config;

/* As sot_config_load; also refuses values that contradict each other. */
sot_code scheduler_config_load(
    int argc, char **argv, scheduler_config *ret, bool *ret_exit, sot_err *err) SOT_CHECK;

#endif
