/* gw_json_scan - bounds of a JSON text before the parser sees it. Pure; internal to gw_json. */
#ifndef GW_JSON_SCAN_H
#define GW_JSON_SCAN_H

#include "gw_json.h"

#include <stdio.h>

#define GW_JSON_DEPTH_MAX 16
#define GW_JSON_VALUES_MAX 20000

/* Nesting and number of values; SOT_INVALID fills *ret. Syntax is not checked here. */
sot_code gw_json_precheck(sot_str text, gw_json_error *ret) SOT_CHECK;

#define sot_fail_text(ret, ...)                                                                    \
	((void)snprintf((ret)->detail, sizeof((ret)->detail), __VA_ARGS__), SOT_INVALID)

#endif
