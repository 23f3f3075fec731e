/* share - which bridge sends what, when several serve one platform.
 *
 * Every bridge hears every report and keeps every machine; each machine, and the lead (events,
 * gauges), belongs to one bridge by rendezvous hashing over the members. The set of members is
 * decided once for each wall-clock minute, on the database's clock: a member counts for minute M
 * when it had joined by second 5 of M and its lease reaches beyond that instant. A lease is only
 * ever renewed while it lasts (a lapse is a new joining), so every view that was read after that
 * instant gives the same set, whoever reads it and whenever: no minute has two senders, and a dead
 * bridge's machines are taken over in the next minute. Pure. docs/adr/0024.
 */
#ifndef MONITOR_SHARE_H
#define MONITOR_SHARE_H

#include "sot_str.h"

#define SHARE_MEMBERS_MAX 64
#define SHARE_DECIDED_SECOND 5

typedef struct share_member {
	unsigned number; /* its own for ever, see monitor.bridge */
	uint32_t address;
	int64_t joined_unix_ms, lease_until_unix_ms; /* the database's clock */
} share_member;

typedef struct share {
	unsigned own;
	bool is_member; /* the last view had us with a lease */
	bool is_first;  /* and none with a lease has a lower number */
	bool database_is_away;
	int64_t minute; /* of the set, 0 before the first */
	share_member members[SHARE_MEMBERS_MAX];
	size_t count;
	uint64_t left_out; /* members past SHARE_MEMBERS_MAX, never expected */
} share;

/* Takes what the database said at its time `now_unix_ms`, right after renewing our own lease. */
void share_take_view(
    share *s, unsigned own, const share_member *list, size_t count, int64_t now_unix_ms);
/* The database cannot be asked: who was alone goes on, since nobody can join either. */
void share_lost_database(share *s);

/* True when it is decided who sends what in this minute, and we may send our part. */
bool share_is_decided(const share *s, int64_t minute);
/* Whether the thing of that name is ours, by the last decision. */
bool share_owns(const share *s, sot_str key);
/* Gauges of the minute that was decided last: ours? */
bool share_leads(const share *s);
/* Events: ours, from now on? They need no minute: the database gives each out once, so two that
 * both think so for an instant do no harm. */
bool share_takes_events(const share *s);
/* The bridge's own page: of several at one address only one has it. */
bool share_owns_address(const share *s);

#endif
