/* layout - the agent's state folder: facts about an instance's files, and the steps that change
 * them. Blocking, small files only.
 */
#ifndef HOSTAGENT_LAYOUT_H
#define HOSTAGENT_LAYOUT_H

#include "reconcile.h"

/* Makes the fixed folders and removes what a crash left half-made. */
sot_code layout_prepare(const char *state_dir, sot_err *err) SOT_CHECK;

/* Facts for reconcile_observe; the texts live until layout_facts_clear. */
typedef struct layout_facts {
	file_facts files;
	sot_buf record, used_record, resolv;
} layout_facts;
void layout_read(const char *state_dir, const sot_instance_spec *spec, const char *container_id,
    layout_facts *ret);
void layout_facts_clear(layout_facts *f);
/* Changes whenever what layout_read would give may be other than before: it looks at the same files
 * and reads none. Taken before they are read it is never newer than what was read. Not 0. */
uint64_t layout_stamp(
    const char *state_dir, const sot_instance_spec *spec, const char *container_id);

/* How many of the packages are there, in their order, and the next one; false: all are. */
bool layout_next_package(
    const char *state_dir, const sot_instance_spec *spec, size_t *ret_there, plan_package *ret);

/* instances/<id>/{applogs,appdatas,identity} and the identity file. */
sot_code layout_make_instance(
    const char *state_dir, const sot_instance_spec *spec, sot_err *err) SOT_CHECK;
/* The identity file and own files, then the net record: the record is what a start needs, so it
 * comes last. host_resolv: the text of the host's own resolv.conf. */
sot_code layout_write_record(const char *state_dir, const plan_wire *wire,
    const sot_instance_spec *spec, sot_str host_resolv, const char *container_id,
    sot_err *err) SOT_CHECK;
/* net/vlans.json; written when it differs from what is there. */
sot_code layout_write_vlans(const char *state_dir, const vlans *networks, sot_err *err) SOT_CHECK;
/* Removes the records of a container that is gone. */
void layout_remove_record(const char *state_dir, const char *container_id);
/* Moves the instance's folder to instances/.retired/<id>; its data is not deleted. One that was
 * here before, moved away and came back finds that taken, and goes to <id>.2, <id>.3 ... */
sot_code layout_retire(const char *state_dir, sot_uuid id, sot_err *err) SOT_CHECK;

#endif
