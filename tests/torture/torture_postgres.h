/* torture_postgres - the scratch PostgreSQL of tests/pg.sh under torture: which of its processes to
 * kill, and how it comes up again when all of it is gone. Failures fail the cmocka test.
 */
#ifndef TORTURE_POSTGRES_H
#define TORTURE_POSTGRES_H

#include "pg_control.h"
#include "sot_rand.h"

/* How the server was started: before anything is killed. */
void postgres_remember(void);
/* The postmaster or one of its children; 0 when nothing runs. A child's death is a crash of all of
 * them to the postmaster; its own leaves children that must notice. */
pid_t postgres_some_process(sot_rand *rand);
/* Starts it again when it does not run, at most five times a second. */
void postgres_keep_alive(void);
/* A superuser's connection, waited for. */
PGconn *postgres_connect(reactor *loop);

#endif
