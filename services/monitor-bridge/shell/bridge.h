/* bridge - the service: ties the core to its sockets, the database and CAT. */
#ifndef MONITOR_BRIDGE_H
#define MONITOR_BRIDGE_H

#include "reactor.h"
#include "shell/bridge_config.h"

typedef struct bridge bridge;
/* Binds, connects and begins to work when the loop runs. `r` is borrowed. */
sot_code bridge_new(reactor *r, const bridge_config *config, bridge **ret, sot_err *err) SOT_CHECK;
bridge *bridge_free(bridge *b);
/* Hands over what waits, for at most 2 s, then calls on_drained once. */
void bridge_drain(bridge *b, void (*on_drained)(void *self), void *self);
SOT_DEFINE_AUTO(bridge)

#endif
