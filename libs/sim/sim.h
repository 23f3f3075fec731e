/* sim - a deterministic world for cores without I/O: a virtual clock, one queue of events, and
 * links that delay, drop, duplicate, reorder and partition by seed.
 *
 * The next event is always the earliest; equal times go in the order of their scheduling, so a seed
 * is a run. Tests only. One owner thread.
 */
#ifndef SIM_H
#define SIM_H

#include "sot_mem.h"
#include "sot_rand.h"
#include "sot_time.h"

typedef struct sim sim;
/* `data` is borrowed for the call. */
typedef void (*sim_fn)(void *self, sot_str data);

sim *sim_new(uint64_t seed);
sim *sim_free(sim *s);
SOT_DEFINE_AUTO(sim)
sot_mono sim_now(const sim *s);
sot_wall sim_wall(const sim *s); /* begins at 2026-01-01 and runs with the clock */
uint64_t sim_below(sim *s, uint64_t n);
/* True in `permille` of 1000 cases. */
bool sim_chance(sim *s, unsigned permille);
/* Runs fn at now + delay_ms with a copy of data. */
void sim_after(sim *s, int64_t delay_ms, sim_fn fn, void *self, sot_str data);
/* Runs the earliest event; false when there is none. */
bool sim_step(sim *s);
uint64_t sim_steps(const sim *s);

typedef struct sim_faults {
	unsigned drop_permille, duplicate_permille, reorder_permille;
	int64_t delay_min_ms, delay_max_ms;
} sim_faults;

/* One direction between two processes. Messages keep their order, except those that the fault
 * `reorder` picks. `faults` is borrowed and may change between sends. */
typedef struct sim_link sim_link;
sim_link *sim_link_new(sim *s, const sim_faults *faults, sim_fn deliver, void *self);
sim_link *sim_link_free(sim_link *l); /* only when no event is left, or the sim is freed after */
void sim_link_send(sim_link *l, sot_str frame);
void sim_link_cut(sim_link *l, bool cut); /* a partition: what is sent meanwhile is lost */
/* The connection broke: what is under way is lost. */
void sim_link_reset(sim_link *l);

#endif
