/* desired - what the instances of this host shall be: the assignment of the scheduler, as it lies
 * on the agent's disk.
 *
 * A new assignment comes in parts and is first only staged; the shell writes the staged set to disk
 * and then takes it. So the set in force is always one that survives a crash. Pure.
 */
#ifndef HOSTAGENT_DESIRED_H
#define HOSTAGENT_DESIRED_H

#include "sot_map.h"
#include "sot_proto.h"

/* One spec, deep-copied and shared: actions under way keep theirs when a newer one arrives. */
typedef struct desired_instance {
	sot_instance_spec spec;
	sot_arena *arena;
	unsigned references;
} desired_instance;
desired_instance *desired_instance_ref(desired_instance *i);
desired_instance *desired_instance_unref(desired_instance *i); /* NULL-safe; returns NULL */
/* A deep copy with one reference. SOT_INVALID when the spec breaks the schema's bounds. */
sot_code desired_instance_copy(
    const sot_instance_spec *spec, desired_instance **ret, sot_err *err) SOT_CHECK;

typedef struct desired desired;
desired *desired_new(void);
desired *desired_free(desired *d);
SOT_DEFINE_AUTO(desired)

uint64_t desired_epoch(const desired *d); /* the highest seen */
uint64_t desired_generation(const desired *d);
size_t desired_count(const desired *d);
desired_instance *desired_get(const desired *d, sot_uuid id); /* borrowed; NULL when absent */
desired_instance *desired_next(const desired *d, sot_map_iter *it);

/* Notes an epoch. SOT_DENIED when a higher one was seen: the sender no longer leads. */
sot_code desired_see_epoch(desired *d, uint64_t epoch, sot_err *err) SOT_CHECK;

/* Takes one part. *ret_complete: all parts are here and the new set is staged. SOT_DENIED for an
 * old epoch; SOT_CONFLICT when a delta does not fit the set in force or a part is out of order: ask
 * again with a hello. */
sot_code desired_offer(
    desired *d, const sot_assign *part, bool *ret_complete, sot_err *err) SOT_CHECK;
/* The staged set as the bytes of assignment.bin. */
sot_code desired_render_staged(const desired *d, sot_buf *out, sot_err *err) SOT_CHECK;
void desired_take_staged(desired *d);
void desired_drop_staged(desired *d);

/* Reads assignment.bin; all or nothing. */
sot_code desired_restore(desired *d, sot_str content, sot_err *err) SOT_CHECK;

#endif
