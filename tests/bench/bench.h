/* bench - what every program of tests/bench prints and writes, in one form.
 *
 * One line a figure: "<id> <value> <unit> goal <goal> peer <peer>", and at the end the file
 * <folder>/<name>.json: {"figures": {"<id>": {"value", "unit", "goal", "peer", "ratio"}}}. The
 * folder is $SOT_BENCH_DIR, or build/bench below the present one. What is not known is "-" and
 * null.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "sot_err.h"

#include <stdint.h>

#define BENCH_NONE (-1.0) /* no goal, no peer */

typedef struct bench bench;
bench *bench_new(const char *name);
bench *bench_free(bench *b);
/* `goal` is text such as ">= 200000", or NULL. `peer` is the value of the peer in the same unit. */
void bench_figure(
    bench *b, const char *id, double value, const char *unit, const char *goal, double peer);
/* Writes the file. */
sot_code bench_write(const bench *b, sot_err *err) SOT_CHECK;

/* Monotonic nanoseconds. */
int64_t bench_now_ns(void);
/* Nanoseconds of processor time of this thread: of pure work on a machine that is shared. */
int64_t bench_cpu_ns(void);

#endif
