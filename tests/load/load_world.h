/* load_world - a control plane of real processes for benches and tortures: up to two schedulers and
 * two ipams on a scratch PostgreSQL (tests/pg.sh), each scheduler with the ipam of its number.
 *
 * For tests only: whatever fails ends the program with a word, and the processes with it. One
 * thread.
 */
#ifndef LOAD_WORLD_H
#define LOAD_WORLD_H

#include "bus.h"
#include "sot_proto.h"

#include <libpq-fe.h>
#include <sys/types.h>

enum { LOAD_PAIRS = 2, LOAD_OPTIONS_MAX = 12 };

/* What every host has. */
#define LOAD_HOST_CPU_MILLI 64000
#define LOAD_HOST_MEMORY ((uint64_t)1 << 40)
#define LOAD_HOST_DISK ((uint64_t)1 << 46)

typedef struct load_world {
	const char *program; /* whose name stands before complaints */
	char dir[80];
	char pg_dir[200];             /* PostgreSQL's socket folder */
	const char *scheduler_pg_dir; /* where the schedulers connect; NULL: the same */
	reactor *loop;
	PGconn *pg;   /* a superuser's */
	bus *gateway; /* svc:api-gateway */
	char scheduler_key[BUS_KEY_TEXT];
	pid_t schedulers[LOAD_PAIRS], ipams[LOAD_PAIRS];
	const char *scheduler_options[LOAD_OPTIONS_MAX]; /* "--key=value"; NULL ends them */
	const char *ipam_options[LOAD_OPTIONS_MAX];
	bool no_limits; /* of starts in flight and open operations: what is measured is not they */
} load_world;

_Noreturn void load_die(const char *what, const char *why);

/* Keys, folder, an image "img" and a VLAN "lab" with two million addresses. Nothing runs yet. When
 * there is no scratch PostgreSQL it runs the program again inside tests/pg.sh. */
load_world *load_world_new(const char *program, char **argv);
load_world *load_world_free(load_world *w);

/* `hosts` rows "host00001"... of three zones and racks of forty, online, with 64 cores, 1 TiB of
 * memory and 64 TiB of disk; the public key of host n is keys[n], or one that nobody has. */
void load_make_hosts(load_world *w, size_t first, size_t hosts, const char (*keys)[BUS_KEY_TEXT]);
sot_uuid load_host_id(size_t number);

void load_start_ipam(load_world *w, int pair);
void load_start_scheduler(load_world *w, int pair);
/* Sends the signal and waits for the end. */
void load_end(pid_t *pid, int signo);

/* printf for SQL; the first value of the first row as a number, 0 when there is none. */
int64_t load_sql(load_world *w, const char *fmt, ...) SOT_PRINTF(2, 3);
/* Turns the loop until the query gives at least `value`; dies after `limit_ms`. */
void load_await(load_world *w, int64_t value, int64_t limit_ms, const char *sql);
void load_endpoint(const load_world *w, const char *name, int pair, char *dst, size_t dst_size);

/* Resident memory of a process in MiB, processor time in seconds. */
double load_rss_mib(pid_t pid);
double load_cpu_s(pid_t pid);
/* Of all sessions of the scratch PostgreSQL. */
double load_postgres_cpu_s(void);
/* As a database that has been in use: its WAL files are there and are written again. Before it has
 * them, each 16 MiB make and force a new one to disk, in which time nobody commits. */
void load_age_wal(load_world *w);
/* The floor of everything that is durable: the median time of a commit of one small row, in ms, by
 * one connection, on the disk of this run. */
double load_commit_ms(load_world *w);

#endif
