/* agents - the world against the rows: what hosts really use, and what follows from it.
 *
 *   agents.c       the ROUTER of proto/ipam_agent.toml: keys, parts, answers, what is told at once
 *   truth_batch.c  complete reports, many in a transaction: differences, findings, suspects
 *   truth_leak.c   addresses whose owners are gone: observations, probes, the brake
 *   truth_guard.c  whether the database is older than the world: witness, quarantine
 *   usage.c        how full subnets are, forecasts, partitions of the history
 *
 * All of it has a database connection of its own, so that no report waits in front of a request for
 * addresses. Owner: the reactor's thread.
 */
#ifndef IPAM_SHELL_AGENTS_H
#define IPAM_SHELL_AGENTS_H

#include "host_keys.h"
#include "ipam.h"
#include "leak.h"
#include "truth.h"
#include "truth_report.h"

enum {
	AGENTS_BATCH_HOSTS = 64,
	AGENTS_BATCH_ADDRESSES = 20000,
	AGENTS_PENDING_MAX = 500000, /* addresses of unfinished reports, and of those that wait */
	AGENTS_ORDERS_MAX = 200,     /* probes that one host is asked for at a time */
	AGENTS_MAC_TEXT = 18,
};

/* One array parameter of a statement: `add` says item number `i`. */
#define AGENTS_ARRAY(tx, i, count, add)                                                            \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (size_t i = 0; i < (count); i++)                                                       \
			add;                                                                                   \
		store_arg_array_end(tx);                                                                   \
	} while (0)

/* Who waits for an answer; request id 0: nobody. */
typedef struct agent_reply {
	bus_peer to;
	uint64_t request_id;
} agent_reply;

/* A host that has reported since the start. */
typedef struct agent_host {
	sot_link link; /* agents.queue, while a report waits */
	sot_uuid id;
	truth_report *waiting; /* the next one; at most one */
	truth_report *out;     /* in the database now */
	agent_reply waiting_reply, out_reply;
	size_t slot; /* in the batch, while `out` */
	sot_probe_order *orders;
	size_t orders_count;
} agent_host;

/* A row that a batch writes. */
typedef struct batch_finding {
	sot_uuid host, owner;
	uint16_t vrf;
	sot_ip address;
	const char *kind; /* of ipam.finding, or "keep" */
	char mac[AGENTS_MAC_TEXT], detail[TRUTH_DETAIL_MAX];
	bool needs_suspect;
	int64_t taken_unix_ms;
} batch_finding;

typedef struct truth_batch {
	agent_host *hosts[AGENTS_BATCH_HOSTS];
	truth_evidence evidence[AGENTS_BATCH_HOSTS];
	int64_t received_unix_ms[AGENTS_BATCH_HOSTS];
	size_t count;
	bool is_out, has_hosts;
	batch_finding *findings, *seen; /* seen: address and detail only */
	size_t findings_count, seen_count;
	char ahead[TRUTH_DETAIL_MAX]; /* why the database is older than a host; "" it is not */
	sot_err error;
	unsigned tries;
	size_t limit; /* hosts; smaller after a refusal, to find the one that spoils it */
	sot_mono began;
} truth_batch;

typedef struct agents {
	ipam *ip;
	reactor *loop;
	const ipam_config *config;
	store *store;
	bus_server *server;
	bus_roster *roster;
	truth_book *book;
	sot_arena *arena;
	sot_buf frame;
	sot_map *hosts; /* owns: uuid to agent_host */
	sot_link queue; /* hosts whose report waits */
	size_t queued, queued_addresses;
	truth_batch batch;
	reactor_watch *keys_timer, *sweep_timer, *guard_timer, *leak_timer, *usage_timer,
	    *history_timer;
	bool is_reading_keys;
	host_keys_stamp keys_stamp;

	/* truth_guard.c */
	bool is_settled; /* the guard was read once since the database came up */
	bool is_reading_guard, is_engaging, is_quarantined, is_braked;
	char blocked[1000]; /* what acquires are told, as given to ipam_block */
	truth_life life;
	truth_witness witness;
	size_t awaited;

	/* truth_leak.c */
	bool leak_is_out;
	leak_case *cases;
	size_t cases_count;
	leak_totals leak_totals;
	sot_map *probes; /* owns: vrf and address to open_probe */
	sot_err leak_error;

	/* usage.c */
	struct usage *usage;

	sot_metric *m_reports, *m_parts, *m_refused, *m_expired, *m_stale, *m_superseded, *m_unusable,
	    *m_queue, *m_pending, *m_batches, *m_batch_ms, *m_failed, *m_findings, *m_suspects,
	    *m_strangers, *m_urgent_lost, *m_hosts;
	sot_metric *m_quarantine, *m_awaited, *m_brake, *m_leaks, *m_leaked, *m_leak_suspects,
	    *m_probes, *m_probe_results, *m_probes_ignored, *m_history_failed, *m_usage_failed;
} agents;

/* Opens the socket and the database connection; `ip` is borrowed and has its bus. */
sot_code agents_new(ipam *ip, agents **ret, sot_err *err) SOT_CHECK;
agents *agents_free(agents *a);
SOT_DEFINE_AUTO(agents)
/* False as long as it is not known whether the database is the one it was: nothing is given out. */
bool agents_are_settled(const agents *a);

/* ---- between the files ---- */
agent_host *agents_host(agents *a, sot_uuid id); /* made when it is new */
/* Answers one of the host's replies, if anybody waits for it. */
void agents_ack(agents *a, const agent_host *h, agent_reply *reply);
void agents_refuse(agents *a, agent_reply *reply, sot_refusal code, const char *text);
/* "02:0a:...", "" for zero. Returns dst. */
char *agents_mac(sot_mac mac, char dst[static AGENTS_MAC_TEXT]);
/* The transaction is queued; false: it is not, and that was logged. */
bool agents_commit(agents *a, store_tx *tx, store_done_fn done, const char *what);

/* truth_batch.c */
void truth_batch_add(agents *a, agent_host *h, truth_report *report); /* takes the report */
void truth_batch_pump(agents *a);
void truth_batch_free(agents *a);
/* Adds the statement that keeps the findings and tells the new ones. `complete` (may be NULL): a
 * batch of which these are all the findings, so that its hosts' others are deleted. */
void truth_add_findings(
    agents *a, store_tx *tx, const batch_finding *at, size_t count, const truth_batch *complete);

/* truth_guard.c */
sot_code truth_guard_open(agents *a, sot_err *err) SOT_CHECK; /* reads the witness */
void truth_guard_read(void *self, uint64_t missed);
void truth_guard_lost_database(agents *a);
/* Begins the quarantine: in memory now, in the row with `tx`. `again`: also when it holds already.
 */
void truth_guard_engage(agents *a, store_tx *tx, const char *reason, bool again);
void truth_guard_free(agents *a);

/* truth_leak.c */
void truth_leak_run(void *self, uint64_t missed);
/* The results of probes that this host was asked for. */
void truth_leak_results(agents *a, agent_host *h, const sot_probe_result *at, size_t count);
void truth_leak_free(agents *a);

/* usage.c */
void usage_open(agents *a);
void usage_free(agents *a);

#endif
