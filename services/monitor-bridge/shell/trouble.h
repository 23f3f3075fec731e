/* trouble - the last things that went wrong, for `sotalia monitor status`: a ring of the process,
 * as the log and the metrics are. Owner: the reactor's thread.
 */
#ifndef MONITOR_TROUBLE_H
#define MONITOR_TROUBLE_H

#include "sot_str.h"
#include "sot_time.h"

#define TROUBLE_KEPT 8

/* The same text as the last one counts up instead of taking another place. */
void trouble_note(sot_wall now, const char *fmt, ...) SOT_PRINTF(2, 3);
/* A JSON array, newest first: [{"at": "...", "text": "...", "times": 2}]. */
void trouble_render(sot_buf *out);

#endif
