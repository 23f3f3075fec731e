/* seat - which one of several ipams serves: a lease on the database's clock (core.lead, by
 * ipam.seat_take), renewed on a connection of its own.
 *
 *   (start) --> stands by --won--> serves --another one has it, or not renewed in time--> over
 *                  ^                  `--a clean stop: given back at once--> (end)
 *                  +---- its supervisor starts it anew ----+ over
 *
 * Who stands by does not listen: whoever has a connection has the one that serves. The seat is no
 * fence: rows keep two that serve at once from giving one address twice (docs/adr/0047).
 * Owner: the reactor's thread.
 */
#ifndef IPAM_SHELL_SEAT_H
#define IPAM_SHELL_SEAT_H

#include "ipam.h"

typedef struct seat seat;
/* `ip` is borrowed. ipam_serve is called once when the seat is won, ipam_end_with when it is over.
 */
sot_code seat_new(ipam *ip, seat **ret, sot_err *err) SOT_CHECK;
/* Gives it back, if it has it and the database answers; then the drain is done. Called once. */
void seat_leave(seat *s);
seat *seat_free(seat *s);

#endif
