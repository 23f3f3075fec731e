/* exec_entry - a connection to PID 1 of an instance, which runs one program there
 * (init/exec_door.h).
 *
 * What waits to be sent is bounded; the sender keeps to the credit of the frames (exec_frame.h).
 * Owner: the reactor's thread.
 */
#ifndef HOSTAGENT_EXEC_ENTRY_H
#define HOSTAGENT_EXEC_ENTRY_H

#include "exec_frame.h"
#include "reactor.h"

typedef struct exec_entry exec_entry;
typedef struct exec_entry_events {
	/* `bytes` is the frame as it came; both are borrowed. */
	void (*on_frame)(void *self, const exec_frame *f, sot_str bytes);
	/* The process that served it is gone, and all that it started. Called once; then only free. */
	void (*on_over)(void *self);
} exec_entry_events;

/* pid: the container's PID 1, as the host counts. SOT_UNAVAILABLE: it cannot be entered, and why.
 */
sot_code exec_entry_open(reactor *r, int pid, const exec_frame *open,
    const exec_entry_events *events, void *self, exec_entry **ret, sot_err *err) SOT_CHECK;
/* False: it takes nothing any more, or the sender did not keep to the credit. */
bool exec_entry_send(exec_entry *e, sot_str bytes);
/* Ends the session inside: on_over follows when it is done. */
void exec_entry_end(exec_entry *e);
/* Closes it at once; what runs is ended by PID 1's side alone. Not inside a handler of it, but for
 * on_over. */
exec_entry *exec_entry_free(exec_entry *e);

#endif
