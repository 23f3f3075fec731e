/* control - the unix socket that every service has: one request line, one reply, then it closes.
 *
 *   metrics                     OpenMetrics 1.0 text
 *   health                      "ok", or "failing" and one reason per line
 *   version                     "sotalia-<service> <version>"
 *   failpoint list              one "name action" per line
 *   failpoint set NAME ACTION   ACTION as in sot_failpoint.h, e.g. crash, error:3, delay:250, off
 *   log level LEVEL             debug, info, warn, error
 *
 * What cannot be done is answered with "error: <why>". The socket has mode 0600, at most 16
 * clients, 5 s for each. Owner: the reactor's thread.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "reactor.h"

typedef struct control control;
/* True when the service is well. Otherwise it adds its reasons to `reasons`, a line each. */
typedef bool (*control_health_fn)(void *self, sot_buf *reasons);
/* service: e.g. "ipam"; borrowed for the life of the control. health may be NULL (always ok).
 * path "" or NULL: no socket, *ret is NULL. A file left behind by a dead process is replaced;
 * SOT_CONFLICT when a living one listens there. */
sot_code control_listen(reactor *r, const char *path, const char *service, control_health_fn health,
    void *self, control **ret, sot_err *err) SOT_CHECK;
/* Removes the socket file. NULL-safe. */
control *control_free(control *c);
SOT_DEFINE_AUTO(control)

/* The reply to one line, without sockets; for services with another way in. Appends to `out`. */
void control_answer(
    const char *service, control_health_fn health, void *self, sot_str line, sot_buf *out);

#endif
