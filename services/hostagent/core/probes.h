/* probes - asks whether anybody on a VLAN uses an address: 3 questions, 100 ms apart, and 100 ms to
 * answer the last (RFC 5227 section 2.1.1 with the shorter times that section 2.2 permits; for IPv6
 * the same by neighbour solicitation, RFC 4862 section 5.4).
 *
 *   none --ask--> running --answer--> answered
 *                    |----3 sent, 100 ms of silence----> silent
 *                    `----no way to ask-----------------> failed
 *
 * An end is good for 5 s: whoever asks again later starts a new probe. Pure: the shell sends the
 * frames and hands in what it hears. Bounded.
 */
#ifndef HOSTAGENT_PROBES_H
#define HOSTAGENT_PROBES_H

#include "sot_map.h"
#include "sot_proto.h"
#include "sot_time.h"

#define PROBES_MAX 4096u
#define PROBE_COUNT 3u
#define PROBE_INTERVAL_MS 100
#define PROBE_FRESH_MS 5000

typedef enum probe_state {
	PROBE_RUNNING,
	PROBE_SILENT,
	PROBE_ANSWERED,
	PROBE_FAILED,
} probe_state;

typedef struct probe {
	uint16_t vlan_id;
	sot_ip address;
	probe_state state;
	sot_mac answer;  /* who, when answered */
	char error[160]; /* why, when failed */
	unsigned sent;
	sot_mono due;      /* of the next question, or of the end */
	sot_mono ended_at; /* when not running */
} probe;

typedef struct probes probes;
probes *probes_new(void);
probes *probes_free(probes *p);
SOT_DEFINE_AUTO(probes)

/* The probe under way or fresh; otherwise a new one begins. Borrowed until the next call with this
 * table. NULL: PROBES_MAX are under way, ask again later. */
const probe *probes_ask(probes *p, uint16_t vlan_id, sot_ip address, sot_mono now);
/* The next question that is due, counted as sent; NULL when none is. */
const probe *probes_next_due(probes *p, sot_mono now);
/* The question could not be sent: the probe ends as failed. */
void probes_failed(probes *p, uint16_t vlan_id, sot_ip address, const char *why, sot_mono now);
/* Somebody with that MAC claims the address. True when a probe ended by it. */
bool probes_hear(probes *p, uint16_t vlan_id, sot_ip address, sot_mac mac, sot_mono now);
/* Ends those that stayed silent and forgets old ones. True when one ended. */
bool probes_advance(probes *p, sot_mono now);
/* Until something is due: 0 when it is already, INT64_MAX when no probe runs. */
int64_t probes_next_due_ms(const probes *p, sot_mono now);

#endif
