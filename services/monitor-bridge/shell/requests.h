/* requests - what operators ask of the bridges through the database (`sotalia monitor test`,
 * `trace`): one of them answers. A test is an event that is sent now; a trace shows the last frames
 * of a machine, as our own reader of the wire understands them, or waits a while for the next and
 * keeps it, however many others there are.
 */
#ifndef MONITOR_REQUESTS_H
#define MONITOR_REQUESTS_H

#include "monitor.h"
#include "shell/cat_sender.h"
#include "store.h"

typedef struct requests requests;
/* All are borrowed; `name` is this bridge's. */
requests *requests_new(
    reactor *r, store *s, monitor *m, const cat_sender *sender, const char *name);
requests *requests_free(requests *q);
SOT_DEFINE_AUTO(requests)
/* Every frame that is made; kept for a while. */
void requests_note_frame(requests *q, sot_str frame);

#endif
