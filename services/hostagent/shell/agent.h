/* agent - the shell of the hostagent: owns the loop's parts and hands events between them.
 *
 *   uplink (scheduler) -> desired -> reconcile -> steps (Docker, files) -> watch -> reconcile
 *                                        |                                            |
 *                                        +-> checks (health)      status_feed -> uplink
 *   wiring (VLANs, bridges)   neighbours (probes, strangers) -> reconcile, ipam_link -> ipam
 *   views (LXCFS's files in instances)
 */
#ifndef HOSTAGENT_AGENT_H
#define HOSTAGENT_AGENT_H

#include "bus.h"
#include "docker.h"
#include "http_client.h"
#include "packages.h"
#include "probe_orders.h"
#include "reconcile.h"
#include "sot_config.h"
#include "status_feed.h"
#include "strangers.h"

typedef struct agent_config {
#define CONFIG(name, type, ...) SOT_CONFIG_MEMBER_##type(name)
#include "config.def"
#undef CONFIG
} agent_config;

typedef struct watch watch;
typedef struct checks checks;
typedef struct uplink uplink;
typedef struct reports reports;
typedef struct wiring wiring;
typedef struct neighbours neighbours;
typedef struct ipam_link ipam_link;
typedef struct views views;
typedef struct ssh_link ssh_link;
typedef struct ssh_logins ssh_logins;
typedef struct disks disks;
typedef struct sweeper sweeper;
typedef struct fitness fitness;
typedef struct witness witness;
typedef struct notes notes;
typedef struct docker_junk docker_junk;
typedef struct exec_link exec_link;
typedef struct rotation rotation;
typedef struct stock stock;

typedef struct agent {
	reactor *loop;
	const agent_config *config;
	sot_uuid host_id;
	char boot_id[41];
	uint64_t start_id;
	bus *bus;
	http_client *http;
	gateways *gateways;
	docker *docker;
	packages *packages;
	desired *desired;
	vlans *vlans;
	probes *probes;
	strangers *strangers;
	reconcile *reconcile;
	status_feed *feed;
	watch *watch;
	checks *checks;
	uplink *uplink;
	reports *reports;
	wiring *wiring;
	neighbours *neighbours;
	ipam_link *ipam;
	views *views;
	ssh_link *ssh;
	ssh_logins *logins;
	disks *disks;
	notes *notes;
	docker_junk *junk;
	sweeper *sweeper;
	fitness *fitness;
	witness *witness;
	exec_link *exec;
	rotation *rotation;
	stock *stock;
	reactor_watch *wake;
	bool docker_ok, pump_queued, draining, ending;
	uint32_t docker_ping_ms, containers_total, containers_running;
	char docker_version[32];
	sot_buf host_resolv; /* the text of the host's resolv.conf, as at the start */
	sot_buf taken;       /* as in net/taken */
	bool taken_failed;   /* it could not be written the last time */
	unsigned steps_in_flight, package_looks;
} agent;

sot_code agent_config_load(
    int argc, char **argv, agent_config *ret, bool *ret_exit, sot_err *err) SOT_CHECK;
sot_code agent_new(reactor *loop, const agent_config *config, agent **ret, sot_err *err) SOT_CHECK;
agent *agent_free(agent *a);
SOT_DEFINE_AUTO(agent)

/* Begins what can begin, and tells the scheduler what changed; at the end of the turn. */
void agent_pump(agent *a);
/* A new desired set is on disk. */
void agent_take_desired(agent *a);
/* No new steps; `drained` once those under way have ended. */
void agent_drain(agent *a);
bool agent_is_healthy(void *self, sot_buf *reasons);

#endif
