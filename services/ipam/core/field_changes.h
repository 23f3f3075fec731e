/* field_changes - the JSON of a change as events and the audit carry it: "field":[old,new], ...
 *
 * Each function adds one field when old and new differ, and nothing otherwise. Pure; a buffer that
 * is too small is failed (sot_buf_failed).
 */
#ifndef IPAM_FIELD_CHANGES_H
#define IPAM_FIELD_CHANGES_H

#include "sot_str.h"

void field_changes_str(sot_buf *out, const char *field, sot_str before, sot_str after);
void field_changes_i64(sot_buf *out, const char *field, int64_t before, int64_t after);
void field_changes_bool(sot_buf *out, const char *field, bool before, bool after);

#endif
