/* cat_heartbeat - builds the status document of a heartbeat. Pure, no allocation.
 *
 * The server parses it strictly: one bad number or element loses the whole heartbeat. So numbers
 * are written without any locale, a value that is not finite is left out and counted, and ids are
 * limited to the characters of cat_clean_id. Detail ids must be unique over all groups.
 */
#ifndef MONITOR_CAT_HEARTBEAT_H
#define MONITOR_CAT_HEARTBEAT_H

#include "cat_writer.h"

typedef struct cat_heartbeat {
	cat_writer writer;
	bool group_is_open;
	uint64_t values_left_out; /* nan, inf */
	uint64_t ids_cleaned;
} cat_heartbeat;

void cat_heartbeat_begin(cat_heartbeat *h, char *buffer, size_t size);
/* Closes the group before it, if any. */
void cat_heartbeat_group(cat_heartbeat *h, const char *id, const char *description);
void cat_heartbeat_value(cat_heartbeat *h, const char *id, double value); /* two decimals */
void cat_heartbeat_count(cat_heartbeat *h, const char *id, uint64_t value);
/* The whole document, a view of the buffer. SOT_LIMIT when the buffer was too small. */
sot_code cat_heartbeat_end(cat_heartbeat *h, sot_str *ret, sot_err *err) SOT_CHECK;

#endif
