/* strangers - who else uses addresses of this host's instances. A sighting is kept for 10 minutes
 * after the last. Bounded against floods: STRANGERS_MAX in all, a few for one address; what finds
 * no room is counted. Pure.
 */
#ifndef HOSTAGENT_STRANGERS_H
#define HOSTAGENT_STRANGERS_H

#include "desired.h"
#include "sot_time.h"

#define STRANGERS_MAX 200u
#define STRANGERS_PER_ADDRESS 8u
#define STRANGER_KEPT_MS (10 * 60 * 1000)

typedef struct strangers strangers;
strangers *strangers_new(void);
strangers *strangers_free(strangers *s);
SOT_DEFINE_AUTO(strangers)

/* The addresses that are ours: those of the set, but of retired instances. Strangers seen on others
 * stay for their time: an address is taken from its instance sooner than a report tells why. */
void strangers_set_own(strangers *s, const desired *d);
/* Somebody claims an address. True when that is a stranger on one of ours that was not known: tell
 * it at once. seen: the address, where, who, how and when. */
bool strangers_hear(strangers *s, const sot_stranger *seen, sot_mono now);
/* Forgets what was seen last more than 10 minutes ago; how many. */
size_t strangers_expire(strangers *s, sot_mono now);
size_t strangers_count(const strangers *s);
/* As many as fit `list`; how many they were. */
size_t strangers_list(const strangers *s, sot_stranger *list, size_t max);
uint64_t strangers_dropped(const strangers *s);

#endif
