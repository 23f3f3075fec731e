#include "scheduler_config.h"

static const sot_config_key keys[] = {
#define CONFIG(name, type, text, min, max, doc)                                                    \
	SOT_CONFIG_ROW(scheduler_config, name, type, text, min, max, doc)
#include "config.def"
#undef CONFIG
};

sot_code scheduler_config_load(
    int argc, char **argv, scheduler_config *ret, bool *ret_exit, sot_err *err)
{
	sot_code code = sot_config_load(
	    "scheduler", keys, sizeof(keys) / sizeof(keys[0]), argc, argv, ret, ret_exit, err);

	if (code != SOT_OK || *ret_exit)
		return code;
	if (ret->renew_ms * 3 > ret->lease_ms)
		return sot_fail(err, SOT_INVALID,
		    "renew_ms (%lld) must be at most a third of lease_ms (%lld)", (long long)ret->renew_ms,
		    (long long)ret->lease_ms);
	if (ret->suspect_after_ms >= ret->lost_after_ms)
		return sot_fail(err, SOT_INVALID, "suspect_after_ms must be less than lost_after_ms");
	return SOT_OK;
}
