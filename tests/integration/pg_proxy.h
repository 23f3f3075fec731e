/* pg_proxy - a proxy in front of PostgreSQL's unix socket that cuts a session at its COMMIT.
 *
 * Runs in the test's own loop, so that every run does the same. For tests only.
 */
#ifndef PG_PROXY_H
#define PG_PROXY_H

#include "reactor.h"

typedef enum pg_proxy_cut {
	PG_PROXY_PASS,       /* forwards everything */
	PG_PROXY_CUT_BEFORE, /* forwards all that comes before COMMIT, then closes both sides */
	PG_PROXY_CUT_AFTER,  /* forwards COMMIT, waits for its answer, and closes without passing it on
	                      */
	PG_PROXY_CUT_BLIND,  /* forwards COMMIT and closes the client's side at once */
	PG_PROXY_CUT_BEHIND, /* passes the answer to COMMIT on, and behind it that the session ends */
	PG_PROXY_HOLD,       /* swallows all that the server answers from now on */
} pg_proxy_cut;

typedef struct pg_proxy pg_proxy;

/* Listens on "<listen_dir>/.s.PGSQL.5432" (the folder is made), connects to the same name in
 * `server_dir`. Aborts the test on failure. */
pg_proxy *pg_proxy_new(reactor *r, const char *listen_dir, const char *server_dir);
/* For sessions there are and to come; CUT_* goes back to PASS after one cut. */
void pg_proxy_set(pg_proxy *p, pg_proxy_cut cut);
unsigned pg_proxy_cuts(const pg_proxy *p); /* how many sessions were cut: proof that it happened */
pg_proxy *pg_proxy_free(pg_proxy *p);      /* closes all sessions, removes the socket */

#endif
