/* sot_time - instants that cannot be mixed up. A monotonic and a wall instant are different
 * structs, so that subtracting one from the other does not compile. Durations are int64_t x_ms.
 * Only wall times go to the wire or to SQL, as *_unix_ms.
 */
#ifndef SOT_TIME_H
#define SOT_TIME_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sot_mono {
	int64_t ms;
} sot_mono; /* CLOCK_MONOTONIC, milliseconds */
typedef struct sot_wall {
	int64_t unix_ms;
} sot_wall;

sot_mono sot_mono_now(void); /* shells only; cores get `now` as an argument */
sot_wall sot_wall_now(void);

/* CLOCK_MONOTONIC, microseconds: to measure what takes less than a millisecond. Shells only. */
int64_t sot_mono_us_now(void);

static inline sot_mono sot_mono_add_ms(sot_mono t, int64_t ms)
{
	return (sot_mono){t.ms + ms};
}
static inline int64_t sot_mono_diff_ms(sot_mono later, sot_mono earlier)
{
	return later.ms - earlier.ms;
}
static inline bool sot_mono_reached(sot_mono now, sot_mono deadline)
{
	return now.ms >= deadline.ms;
}

/* "2026-11-22T08:49:33.120Z" into dst (at least 25 bytes); returns dst. */
char *sot_wall_format(sot_wall t, char dst[static 25]);

#endif
