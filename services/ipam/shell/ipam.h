/* ipam - the shell of sotalia-ipam: sockets, SQL and the loop around core/allocator.
 *
 * Up to two batches are in the database at a time; what arrives meanwhile is the next (natural
 * batching).
 * Answers go out after the commit only. Owner: the reactor's thread.
 */
#ifndef IPAM_SHELL_IPAM_H
#define IPAM_SHELL_IPAM_H

#include "allocator.h"
#include "bus.h"
#include "call_reports.h"
#include "control.h"
#include "ipam_sql.h"
#include "service.h"
#include "sot_config.h"
#include "sot_metrics.h"
#include "store.h"

/* Below this no released address is given out again, however short they are: conntrack keeps an
 * unanswered connection for 120 s. */
enum { IPAM_COOLING_FLOOR_S = 130 };

typedef struct ipam_config {
#define CONFIG(name, type, text, min, max, doc) SOT_CONFIG_MEMBER_##type(name)
#include "config.def"
#undef CONFIG
} ipam_config;

/* Who waits for the answer to a request. */
typedef struct ipam_client {
	bus_peer from;
	uint64_t request_id;
} ipam_client;

typedef struct ipam {
	reactor *loop;
	const ipam_config *config;
	bus *bus;
	bus_server *server;
	bus_publisher *hints;
	call_reports *call_reports;
	store *store;
	store *reader; /* for load.c: its transactions are few and long */
	control *control;
	service *service;
	struct seat *seat; /* seat.h; NULL: this one is the only one. Before it is won most is NULL */
	allocator *allocator;
	sot_arena *arena;
	sot_buf frame;
	sot_map *open; /* (route, request id) of what is being worked on: a repeat is dropped */
	struct {
		uint64_t epoch, closed; /* requests of this epoch up to this id are closed */
	} asker;
	struct fence_job *fence; /* the addresses_fence that is worked on, or NULL: fence.c */

	reactor_watch *pump_timer, *hint_timer, *retry_timer, *lease_timer;
	sot_mono gather_until; /* while it gathers: the rest of a wave is waited for */
	bool gathers, is_loading, hint_is_due, hint_rests, has_been_up, has_failed, is_leaving;
	sot_err failure; /* why the process must end */
	char database_error[SOT_ERR_TEXT_MAX];
	char blocked[1000];        /* why nothing is given out or freed; empty: it is */
	int64_t database_ahead_ms; /* the database's clock minus ours */
	sot_mono load_began;
	sot_err load_error;
	sot_link changes;          /* administrative changes under way, see change.h */
	struct import_job *import; /* the one that is run, or NULL: imports.h */
	struct agents *agents;     /* see agents.h */

	sot_metric *m_requests, *m_refused, *m_granted, *m_released, *m_batches, *m_lost, *m_loads,
	    *m_queue, *m_shortened, *m_expired, *m_late, *m_load_ms;
} ipam;

/* Opens everything; `config` and `loop` are borrowed. */
sot_code ipam_new(reactor *loop, const ipam_config *config, ipam **ret, sot_err *err) SOT_CHECK;
ipam *ipam_free(ipam *ip);
/* Runs until a signal. SOT_INVALID: the database does not fit this program. */
sot_code ipam_run(ipam *ip, sot_err *err) SOT_CHECK;
SOT_DEFINE_AUTO(ipam)
/* The process ends, for this reason. */
void ipam_end_with(ipam *ip, const sot_err *why);
/* The seat is won: everything is opened that serving wants. */
void ipam_serve(ipam *ip);
/* All is done that was begun: gives the seat back, then the process ends. */
void ipam_drained(ipam *ip);

/* ---- requests.c: the conversation ---- */
void ipam_on_frame(void *self, const bus_peer *from, sot_str frame);
/* Sends the answers that are ready. */
void ipam_send_answers(ipam *ip);
/* Remembers who asked; NULL when the same request is being worked on. */
ipam_client *ipam_client_open(ipam *ip, const bus_peer *from, uint64_t request_id);
ipam_client *ipam_client_close(ipam *ip, ipam_client *client);
void ipam_refuse(ipam *ip, const bus_peer *to, const sot_refused *refused);
/* The MAC of an interface: 02:0a + its IPv4 address; zero for IPv6. */
sot_mac ipam_mac_of(sot_ip address);
/* Sends ip->frame. */
void ipam_send(ipam *ip, const bus_peer *to);

/* ---- load.c: rows into memory ---- */
/* Reads what the allocator needs. */
void ipam_load(ipam *ip);
/* The database's clock, as far as it is known. */
int64_t ipam_database_now(const ipam *ip);
void ipam_saw_database_clock(ipam *ip, int64_t unix_ms);
/* VLANs, subnets or ranges were changed: they are read again before the next batch. */
void ipam_plan_changed(ipam *ip);
/* Rows of addresses were changed by somebody else than batch.c: all is read again. */
void ipam_reload(ipam *ip);

/* ---- placement.c: what the scheduler sees of VLANs ---- */
void ipam_on_vlans_read(void *self, const void *from, const sot_vlans_read *m);

/* ---- lease.c: reservations that were not bound in time ---- */
void ipam_on_lease_timer(void *self, uint64_t missed);

/* ---- fence.c: a new leader ---- */
void ipam_on_fence(void *self, const void *from, const sot_addresses_fence *m);
/* True while a fence is raised, which is begun when no batch is out: no batch may be sent. */
bool ipam_fence_is_due(ipam *ip);
/* Refuses one that still waits, as requests that wait are refused. */
void ipam_fence_refuse(ipam *ip, const char *why);
/* Its transaction is in the database: memory may not be replaced. */
bool ipam_fence_is_out(const ipam *ip);

/* ---- batch.c: rows ---- */
/* Soon does what there is to do: read, or commit the next batch. */
void ipam_pump_soon(ipam *ip);
void ipam_on_pump(void *self, uint64_t missed);
/* Rows were committed: says so on the hints socket, at most 20 times a second. */
void ipam_hint(ipam *ip);
void ipam_on_hint_rested(void *self, uint64_t missed);

/* Nothing is given out or freed, for this reason; NULL: it is again. */
void ipam_block(ipam *ip, const char *why);
/* Why a request cannot be taken now, or NULL. */
const char *ipam_why_not_now(const ipam *ip);

/* ---- vlans.c, subnets.c, ranges.c, fixed.c: rows of the table of requests.c ---- */
void ipam_on_vlan_create(void *self, const void *from, const sot_vlan_create *m);
void ipam_on_vlan_update(void *self, const void *from, const sot_vlan_update *m);
void ipam_on_vlan_delete(void *self, const void *from, const sot_vlan_delete *m);
void ipam_on_subnet_create(void *self, const void *from, const sot_subnet_create *m);
void ipam_on_subnet_update(void *self, const void *from, const sot_subnet_update *m);
void ipam_on_subnet_delete(void *self, const void *from, const sot_subnet_delete *m);
void ipam_on_range_create(void *self, const void *from, const sot_range_create *m);
void ipam_on_range_delete(void *self, const void *from, const sot_range_delete *m);
void ipam_on_address_fix(void *self, const void *from, const sot_address_fix *m);
void ipam_on_address_free(void *self, const void *from, const sot_address_free *m);

/* ---- imports.c ---- */
void ipam_on_import_run(void *self, const void *from, const sot_import_run *m);
void ipam_import_free(ipam *ip);

/* ---- truth_requests.c ---- */
void ipam_on_quarantine_end(void *self, const void *from, const sot_quarantine_end *m);
void ipam_on_brake_release(void *self, const void *from, const sot_brake_release *m);

#endif
