/* bus_roster - an allow list that is read again and again: the keys of the hosts.
 *
 * A round tells every peer that may connect: bus_roster_begin, bus_roster_add for each, and
 * bus_roster_end, which denies those that were told before and are missing now. A round that could
 * not be told to its end is given up by the next begin: on half a list nobody is cut off.
 * Owner: the reactor's thread; the bus must live as long.
 */
#ifndef BUS_ROSTER_H
#define BUS_ROSTER_H

#include "bus.h"
#include "sot_uuid.h"

typedef struct bus_roster bus_roster;
bus_roster *bus_roster_new(bus *b);
void bus_roster_begin(bus_roster *r);
/* The host is allowed as "host:<uuid>". A key that is told with another host is renamed.
 * SOT_INVALID: that is no public key. */
sot_code bus_roster_add_host(
    bus_roster *r, sot_str public_key, sot_uuid host, sot_err *err) SOT_CHECK;
/* How many were denied just now. */
size_t bus_roster_end(bus_roster *r);
size_t bus_roster_count(const bus_roster *r);
/* Forgets the list; what is allowed stays allowed. */
bus_roster *bus_roster_free(bus_roster *r);
SOT_DEFINE_AUTO(bus_roster)

/* The uuid of an identity "host:<uuid>"; false for any other. */
bool bus_host_of(const char *identity, sot_uuid *ret);

#endif
