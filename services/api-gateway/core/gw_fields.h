/* gw_fields - the members of a list's items that a caller wants to have, and selectors of labels.
 *
 * Pure. The text of each value is passed on as it is: numbers keep their digits.
 */
#ifndef GW_FIELDS_H
#define GW_FIELDS_H

#include "sot_str.h"

#define GW_FIELDS_TEXT_MAX 1024

/* `list` is {"items":[{...},...],...} in one line as gw_reads makes it; `fields` "name,state".
 * `out` gets the same list whose items have these members alone, in the items' order. SOT_INVALID,
 * with the names that there are, when a field is in no item (of a list that has items). */
sot_code gw_fields_select(sot_str list, sot_str fields, sot_buf *out, sot_err *err) SOT_CHECK;

/* Whether a text is a selector of labels: name=value, name!=value, name or !name, with commas
 * between. The empty one selects everything. */
bool gw_selector_is_right(sot_str selector);

#endif
