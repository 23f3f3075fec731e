/* What the files of gw_exec share: the sessions, the agents, the clients. */
#ifndef GW_EXEC_INTERNAL_H
#define GW_EXEC_INTERNAL_H

#include "gw_exec.h"
#include "gw_flow.h"
#include "host_keys.h"
#include "websocket.h"

enum {
	EXEC_LEASE_S = 60, /* a row that nobody moved on for so long is of a dead gateway */
	EXEC_HOST_SILENT_MS = 20000,
	EXEC_UNATTACHED_MS = 10000 /* from the row to the client's connection */
};

/* An agent as it said hello last. */
typedef struct exec_host {
	sot_uuid id;
	bus_peer peer;
	uint64_t start_id;
	sot_mono heard;
} exec_host;

typedef struct exec_client exec_client;

typedef struct exec_session {
	gw_exec *x;
	sot_uuid id, host, instance;
	char id_text[SOT_UUID_TEXT], host_name[64], name[64]; /* name: of the instance */
	char person[64], account[16], actor[80], kind[8], peer[64], request_id[SOT_UUID_TEXT];
	char credential[80]; /* as exec_alive takes it */
	bool terminal;
	uint16_t columns, rows;
	char term[EXEC_TERM_MAX + 1], command[EXEC_COMMAND_MAX + 1];
	gw_flow *flow;
	exec_client *client; /* NULL: none is attached */
	bool is_open;        /* the agent was told */
	bool agent_is_done;  /* it told the end, or is gone */
	bool row_is_ended;
	sot_mono begun_at, active_at, detached_at;
} exec_session;

struct gw_exec {
	gateway *g;
	bus_server *server;
	bus_roster *roster;
	sot_map *hosts, *sessions;
	sot_link clients;
	sot_arena *arena;
	sot_buf frame;
	reactor_watch *sweep, *check;
	uint64_t checks;
	bool is_checking, is_reading_keys, ending;
	host_keys_stamp keys_stamp;
	sot_metric *m_open, *m_begun, *m_ended, *m_in, *m_out;
};

/* ---- sessions (gw_exec.c) ---- */
exec_session *exec_session_new(gw_exec *x);
/* One that has no row. */
void exec_session_free(exec_session *s);
void exec_session_add(exec_session *s); /* its row is committed */
size_t exec_sessions_of(const gw_exec *x, const char *person);
/* Moves what can move; the session may be gone afterwards. */
void exec_pump(exec_session *s);
/* Ends it for a reason of the platform's; it may be gone afterwards. */
void exec_break(exec_session *s, const char *why);
/* Whether the role is enough for the session's account. */
bool exec_role_is_enough(const gateway *g, const char *account, gw_role role);

/* ---- agents (gw_exec_agents.c) ---- */
sot_code exec_agents_open(gw_exec *x, sot_err *err) SOT_CHECK;
void exec_agents_read_keys(gw_exec *x);
void exec_agents_sweep(gw_exec *x);
void exec_agents_close(gw_exec *x);
bool exec_agent_is_here(const gw_exec *x, sot_uuid host);
/* Each false: the agent is not reached. */
bool exec_agent_open(exec_session *s);
bool exec_agent_send(exec_session *s, const uint8_t *bytes, size_t n);
void exec_agent_close(exec_session *s);

/* ---- clients (gw_exec_client.c) ---- */
/* Answers the call with 101 and attaches the client to the session of that id then. */
void exec_client_upgrade(gw_call *c, const exec_session *s, uint64_t after);
/* Sends what the session has for it. */
void exec_client_pump(exec_client *k);
/* Lets go of the session; the connection is closed after what is queued. */
void exec_client_dismiss(exec_client *k, unsigned code, const char *why);
void exec_clients_sweep(gw_exec *x);
void exec_clients_close(gw_exec *x);

#endif
