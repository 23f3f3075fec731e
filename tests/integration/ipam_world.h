/* ipam_world - what the tests of the real sotalia-ipam stand on: a scratch PostgreSQL
 * (tests/pg.sh), one or two processes, clients over CURVE sockets, and their calls. Failures fail
 * the cmocka test.
 */
#ifndef IPAM_WORLD_H
#define IPAM_WORLD_H

#include "bus.h"
#include "pg_control.h"
#include "sot_proto.h"
#include "sot_wire_codec.h"

enum { IPAM_SERVERS = 2, IPAM_CLIENTS = 64, IPAM_GRANTS_KEPT = 16, IPAM_VLANS_KEPT = 4 };

typedef struct ipam_world {
	char dir[80];
	reactor *loop;
	bus *bus;
	sot_arena *arena;
	PGconn *control;
	bus_client *clients[IPAM_SERVERS][IPAM_CLIENTS];
	size_t client_count;
	pid_t pids[IPAM_SERVERS];
	char server_key[BUS_KEY_TEXT];
	/* Of the requests that are made; a new world asks for no leader: 0. */
	uint64_t epoch, closed, following;
	uint64_t asked_id; /* request id of the last acquire */
} ipam_world;

/* A grant with the facts of its subnet; texts are copies. */
typedef struct ipam_grant {
	sot_uuid owner;
	sot_ip address, gateway, dns[3];
	sot_mac mac;
	uint64_t generation;
	uint16_t vlan_id, vrf, mtu;
	uint8_t prefix, nic;
	bool isolated;
	size_t dns_count;
	char vlan[33], dns_zone[201];
} ipam_grant;

/* A VLAN as placement sees it. */
typedef struct ipam_vlan {
	char name[66], group[66];
	uint64_t free_v4, free_v6;
	bool has_v6, is_gone;
	size_t scopes;
} ipam_vlan;

/* One request and what came back. */
typedef struct ipam_call {
	ipam_world *w;
	unsigned done;
	sot_code code;
	uint32_t message; /* id of the reply */
	ipam_grant grant; /* the first one */
	ipam_grant kept[IPAM_GRANTS_KEPT];
	size_t grants;
	uint32_t changed, skipped;
	sot_refusal refusal;
	char pointer[129], text[2001];
	sot_uuid resource_id;
	bool replayed;
	sot_ip fixed; /* of address_fixed */
	bool applied; /* of import_done */
	uint32_t errors;
	ipam_vlan vlans[IPAM_VLANS_KEPT];
	size_t vlan_count;
	uint64_t version;
	bool full;
} ipam_call;

/* Fixtures. `ipam_world_binary` must be set by main before. */
extern const char *ipam_world_binary;
int ipam_world_setup(void **state);
/* Ends the servers; -1 when one did not end cleanly. */
int ipam_world_teardown(void **state);

/* The first value of the first row, as a number. */
int64_t ipam_sql(ipam_world *w, const char *sql);
/* `failpoints` as in SOT_FAILPOINTS; `option` one more argument, or NULL. */
void ipam_start(ipam_world *w, int index, const char *failpoints, const char *option);
/* Sends signo (0: none) and waits; the status. */
int ipam_end(ipam_world *w, int index, int signo);
/* So that each server has `count` clients. */
void ipam_connect(ipam_world *w, size_t count);

sot_uuid ipam_owner(uint32_t number);
sot_ip ipam_ip(const char *text); /* NULL: none */
/* Sends ready-made frames; `c` is answered in turns of the loop. */
void ipam_send(
    ipam_world *w, int server, size_t client, uint64_t request_id, sot_buf *frame, ipam_call *c);
void ipam_send_wants(
    ipam_world *w, int server, size_t client, sot_address_want *wants, size_t count, ipam_call *c);
/* `count` owners from `first` on, one want each in VLAN "lab". */
void ipam_send_acquire(
    ipam_world *w, int server, size_t client, uint32_t first, uint32_t count, ipam_call *c);

/* The same, and wait for the answer. */
ipam_call ipam_acquire(ipam_world *w, uint32_t first, uint32_t count);
ipam_call ipam_acquire_wants(ipam_world *w, sot_address_want *wants, size_t count);
ipam_call ipam_release(ipam_world *w, uint32_t owner, const ipam_grant *grant);
ipam_call ipam_bind(ipam_world *w, uint32_t owner, const ipam_grant *grant, uint32_t host);

/* The leader of `epoch` begins; asked of `server`. */
ipam_call ipam_fence(ipam_world *w, int server, uint64_t epoch);

/* Any request by its table: fills in the request id, sends it to server 0, waits for the answer. */
ipam_call ipam_ask(ipam_world *w, const sot_wire_struct *type, void *message);
/* The context of an administrative request: actor user:test, a digest made of `key` and `what`. */
sot_request_context ipam_context(const char *key, const char *what);

ipam_call ipam_conflict(
    ipam_world *w, uint32_t owner, const ipam_grant *grant, uint32_t host, sot_mac mac);
ipam_call ipam_vlans(ipam_world *w, uint64_t after);

/* A VLAN "lab" of 10.66.0.0/16 that gives out exactly `count` addresses, made by SQL. */
void ipam_make_lab(ipam_world *w, uint32_t count);
/* `rows` are held, each by another owner, and every change is in the history and in an event. */
void ipam_assert_consistent(ipam_world *w, int64_t rows);

#define IPAM_TEST(test) cmocka_unit_test_setup_teardown(test, ipam_world_setup, ipam_world_teardown)

#endif
