/* cat_text - keeps text within what CAT's pages and rules can hold. Pure.
 *
 * Types and names: printable ASCII, at most 256 bytes, no ';' (alert rules are "domain;type;name").
 * Ids of heartbeat groups, details and metrics: only [A-Za-z0-9._ /-] (rules split on ':').
 */
#ifndef MONITOR_CAT_TEXT_H
#define MONITOR_CAT_TEXT_H

#include "cat_message.h"

/* The text itself when it is clean, else a repaired copy in `scratch`, with *repaired counted up.
 */
sot_str cat_clean_name(sot_str s, char scratch[static CAT_NAME_MAX], uint64_t *repaired);
sot_str cat_clean_id(sot_str s, char scratch[static CAT_NAME_MAX], uint64_t *repaired);

#endif
