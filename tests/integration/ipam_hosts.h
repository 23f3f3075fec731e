/* ipam_hosts - hosts as ipam sees them: keys, reports over CURVE sockets, and the instances that
 * the scheduler believes to be on them. On top of ipam_world. Failures fail the cmocka test.
 */
#ifndef IPAM_HOSTS_H
#define IPAM_HOSTS_H

#include "ipam_world.h"

enum { HOSTS = 2, HOST_USED_MAX = 32 };

typedef struct ipam_reply {
	unsigned done;
	bool is_refused;
	char text[300];
	uint32_t next_report_ms;
	size_t probes_count;
	sot_probe_order probes[HOST_USED_MAX];
} ipam_reply;

/* What a host tells; the counts may be set by hand. */
typedef struct ipam_host {
	ipam_world *w;
	sot_uuid id;
	char name[20];
	bus *bus;
	bus_client *client;
	uint64_t number, generation, epoch;
	sot_used_address used[HOST_USED_MAX];
	size_t used_count;
	sot_stranger strangers[4];
	size_t strangers_count;
	sot_probe_result probes[HOST_USED_MAX];
	size_t probes_count;
	ipam_reply reply;
} ipam_host;

typedef struct ipam_rig {
	ipam_world *w;
	ipam_host hosts[HOSTS];
} ipam_rig;

/* Fixtures: a world without any trace of hosts, two registered hosts "h1" and "h2" (not connected),
 * timings for tests. */
int ipam_rig_setup(void **state);
int ipam_rig_teardown(void **state);
/* Starts the server with `option` (may be NULL) and connects the hosts. */
void ipam_rig_start(ipam_rig *rig, const char *option);

/* printf for SQL; the first value as a number. */
int64_t ipam_sqlf(ipam_world *w, const char *fmt, ...) SOT_PRINTF(2, 3);
/* The last octet names an address of 10.66.0.0/24 and its owner: owner n has 10.66.0.n. */
void ipam_row(ipam_rig *rig, const char *state, uint32_t n, const ipam_host *host);
/* The scheduler knows the instance n, running on the host. */
void ipam_instance(ipam_rig *rig, uint32_t n, const ipam_host *host);
/* The host uses 10.66.0.n for instance n from now on. */
void ipam_uses(ipam_host *h, uint32_t n);
void ipam_uses_for(ipam_host *h, uint32_t n, uint32_t owner);

/* Sends part `part` of `parts` of the report and does not wait. */
void ipam_send_part(ipam_host *h, uint16_t part, uint16_t parts);
/* A whole report; waits for the answer. A new number each. */
const ipam_reply *ipam_report(ipam_host *h);
/* How many events of this kind were told about 10.66.0.n. */
int64_t ipam_told(ipam_rig *rig, const char *kind, uint32_t n);

#endif
