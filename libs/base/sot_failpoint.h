/* sot_failpoint - named places where a test can make the program crash, fail, wait or hang.
 *
 *   SOT_FAILPOINT("scheduler.batch.before_commit", err);      in a function returning sot_code
 *   SOT_FAILPOINT_HIT("hostagent.container.after_create");    elsewhere: crash, delay, hang only
 *
 * Compiled in always (an unarmed point costs one load and one predicted branch); armed by the
 * environment, SOT_FAILPOINTS="name=crash,name2=error:3,name3=delay:250,name4=hang", or at run time
 * through the service's control socket ("failpoint set NAME ACTION"). `crash` writes
 * "failpoint NAME: crash" to stderr and is SIGKILL to itself,
 * `error:N` fails the Nth hit (default the 1st, once), `delay:MS` blocks, `hang` stops for ever.
 * crash and hang also take :N, the hit on which they act; `off` disarms. The list of all names is
 * registered by the linker section, so tests can walk it (sot_failpoint_each; --list-failpoints
 * prints it).
 */
#ifndef SOT_FAILPOINT_H
#define SOT_FAILPOINT_H

#include "sot_err.h"

#include <stdbool.h>

typedef struct sot_failpoint {
	const char *name;
	int armed; /* 0 = not armed: the only field read on the fast path */
	int action, arg, hits;
} sot_failpoint;

/* Slow path; SOT_OK or the injected failure (SOT_UNAVAILABLE, "failpoint NAME"). */
sot_code sot_failpoint_fire(sot_failpoint *fp, sot_err *err);
/* Reads SOT_FAILPOINTS; call first in main. A malformed value ends the program with status 2, a
 * name of another program is said on stderr and skipped. */
void sot_failpoint_setup(void);
/* Arms every point of that name. SOT_NOT_FOUND: no such point; SOT_INVALID: no such action. */
sot_code sot_failpoint_set(const char *name, const char *action, sot_err *err) SOT_CHECK;
void sot_failpoint_each(void (*visit)(void *self, const sot_failpoint *fp), void *self);

#define SOT_FAILPOINT_POINT_(fp_name)                                                              \
	static sot_failpoint fp_ = {.name = fp_name};                                                  \
	static sot_failpoint *const fp_entry_ __attribute__((used, section("sot_failpoints"))) = &fp_
#define SOT_FAILPOINT(fp_name, err)                                                                \
	do {                                                                                           \
		SOT_FAILPOINT_POINT_(fp_name);                                                             \
		if (__builtin_expect(fp_.armed, 0)) {                                                      \
			sot_code fp_code_ = sot_failpoint_fire(&fp_, (err));                                   \
			if (fp_code_ != SOT_OK)                                                                \
				return fp_code_;                                                                   \
		}                                                                                          \
	} while (0)
#define SOT_FAILPOINT_HIT(fp_name)                                                                 \
	do {                                                                                           \
		SOT_FAILPOINT_POINT_(fp_name);                                                             \
		if (__builtin_expect(fp_.armed, 0))                                                        \
			(void)sot_failpoint_fire(&fp_, NULL);                                                  \
	} while (0)

#endif
