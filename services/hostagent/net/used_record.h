/* used_record - `<state>/net/<container id>.used.json`: the record that the last start used, with
 * one member more, `boot_id`: the boot of the machine in which a start with it last succeeded.
 *
 * The wrapper writes it before a start, the hook marks it when the instance is wired; the agent
 * compares it with the record. Blocking, small files.
 */
#ifndef HOSTAGENT_USED_RECORD_H
#define HOSTAGENT_USED_RECORD_H

#include "sot_str.h"

#define USED_RECORD_BOOT_MAX 64u

/* The kernel's id of the present boot, without its line end. */
sot_code used_record_this_boot(char ret[static USED_RECORD_BOOT_MAX + 1], sot_err *err) SOT_CHECK;

/* Replaces the copy by `record`, the text of a JSON object. The boot is kept from the copy before;
 * where there is none the container never ran, and its agent has just found its address unused: it
 * is `this_boot`. */
sot_code used_record_write(const char *state, const char *container_id, sot_str record,
    const char *this_boot, sot_err *err) SOT_CHECK;
/* Whether the last start that succeeded was in another boot, or in one that nobody noted. False
 * when there is no copy at all: then no wrapper of ours starts it. */
sot_code used_record_is_of_another_boot(const char *state, const char *container_id,
    const char *this_boot, bool *ret, sot_err *err) SOT_CHECK;
/* A start succeeded: `this_boot` it is. Does nothing when there is no copy. */
sot_code used_record_mark(
    const char *state, const char *container_id, const char *this_boot, sot_err *err) SOT_CHECK;

#endif
