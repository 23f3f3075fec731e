/* bridge_options - from the keys of the configuration to what the core wants to know.
 */
#ifndef MONITOR_BRIDGE_OPTIONS_H
#define MONITOR_BRIDGE_OPTIONS_H

#include "monitor.h"
#include "shell/bridge_config.h"

typedef enum bridge_metrics_form { METRICS_AUTO, METRICS_TREE, METRICS_BAG } bridge_metrics_form;

/* Without the definitions. SOT_INVALID says which key is wrong. */
sot_code bridge_options_of(const bridge_config *c, monitor_options *ret, sot_err *err) SOT_CHECK;
sot_code bridge_metrics_form_of(
    const bridge_config *c, bridge_metrics_form *ret, sot_err *err) SOT_CHECK;
/* The built-in definitions, and those of `file` on top ("" for none). */
sot_code bridge_definitions_load(const char *file, definitions **ret, sot_err *err) SOT_CHECK;

#endif
