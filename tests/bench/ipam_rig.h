/* ipam_rig - what the benches of the real sotalia-ipam stand on: a scratch PostgreSQL
 * (tests/pg.sh), a folder with keys and sockets, the server. One a process. Failures end the bench,
 * and the server with it.
 */
#ifndef BENCH_IPAM_RIG_H
#define BENCH_IPAM_RIG_H

#include "bus.h"

#include <libpq-fe.h>
#include <sys/types.h>

typedef struct ipam_rig {
	char dir[64];
	PGconn *pg; /* a superuser's */
	bus_keypair server_keys;
	pid_t server; /* 0: it does not run */
} ipam_rig;

/* "bench_<name>: what: why", and exit 1. */
_Noreturn void rig_die(const char *what, const char *why);
/* Runs the program again inside a scratch PostgreSQL, unless it is in one. */
void rig_need_postgres(char **argv);
/* Folder, server's keys and connection; the server is not started. */
ipam_rig *rig_open(void);
/* Ends the server, removes the folder. */
ipam_rig *rig_close(ipam_rig *r);
/* Keys of a service; its public key is put where the server looks for it. */
void rig_make_keys(ipam_rig *r, const char *name, bus_keypair *ret);
/* `agents`: where hosts dial, NULL: a socket in the folder. */
void rig_start_server(ipam_rig *r, const char *agents);
void rig_end_server(ipam_rig *r);
/* "ipc://..." of the server's requests. */
void rig_requests_endpoint(const ipam_rig *r, char *ret, size_t size);
/* The first value of the first row as a number; 0 when there is none. */
int64_t rig_sql(ipam_rig *r, const char *text);

#endif
