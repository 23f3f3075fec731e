/* cpus - sets of processors, and the choice of those that an instance is bound to.
 *
 * An instance whose plan binds it gets as many processors as its share rounded up to whole ones, so
 * that sched_getaffinity (`nproc`) tells its size; the quota still holds the fraction. The choice
 * is the least booked ones, so overlaps are few and even. Which they are is kept in the container
 * itself: nothing else has to survive. Pure.
 */
#ifndef HOSTAGENT_CPUS_H
#define HOSTAGENT_CPUS_H

#include "sot_str.h"

#define CPUS_MAX 1024u

typedef struct cpus {
	uint64_t bits[CPUS_MAX / 64];
} cpus;

/* "0-3,8", as the kernel and the Engine write it; "" is the empty set. SOT_INVALID, with the text,
 * when it is something else or names a processor beyond CPUS_MAX. */
sot_code cpus_parse(sot_str text, cpus *ret, sot_err *err) SOT_CHECK;
void cpus_format(const cpus *set, sot_buf *out);

size_t cpus_count(const cpus *set);
bool cpus_has(const cpus *set, unsigned cpu);
void cpus_add(cpus *set, unsigned cpu);
bool cpus_equal(const cpus *a, const cpus *b);
bool cpus_within(const cpus *set, const cpus *all);

/* How many whole processors a share needs: at least one, at most all that there are. */
size_t cpus_needed(uint32_t cpu_milli, const cpus *all);

/* What is booked on each processor, in thousandths of it. */
typedef struct cpus_load {
	uint32_t milli[CPUS_MAX];
} cpus_load;
/* A share is spread evenly over its set. */
void cpus_load_add(cpus_load *load, const cpus *set, uint32_t cpu_milli);
/* The `count` least booked of `all`; of equals those with the lower number. */
void cpus_choose(const cpus_load *load, const cpus *all, size_t count, cpus *ret);

#endif
