#include "shell/platform_clock.h"

#include "shell/trouble.h"
#include "sot_log.h"

#include <inttypes.h>

static int64_t correction_ms;

sot_wall platform_wall(const reactor *r)
{
	return (sot_wall){reactor_wall(r).unix_ms + correction_ms};
}

void platform_clock_learn(const reactor *r, sot_wall database_now)
{
	int64_t off_ms = database_now.unix_ms - reactor_wall(r).unix_ms;
	bool is_fine = off_ms >= -PLATFORM_CLOCK_TOLERATED_MS && off_ms <= PLATFORM_CLOCK_TOLERATED_MS;
	int64_t before_ms = correction_ms;
	correction_ms = is_fine ? 0 : off_ms;
	if ((before_ms == 0) == is_fine)
		return;
	sot_log(is_fine ? SOT_INFO : SOT_WARN, "clock.correction", "ms=%" PRId64, correction_ms);
	if (!is_fine)
		trouble_note(
		    database_now, "this machine's clock is off the database's by %" PRId64 " ms", off_ms);
}

int64_t platform_clock_correction_ms(void)
{
	return correction_ms;
}
