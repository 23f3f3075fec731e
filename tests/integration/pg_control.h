/* pg_control - a superuser's plain connection to the scratch PostgreSQL of tests/pg.sh, to look at
 * what really is in the database. Failures fail the cmocka test. */
#ifndef PG_CONTROL_H
#define PG_CONTROL_H

#include "reactor.h"

#include <libpq-fe.h>
#include <stdint.h>
#include <sys/types.h>

/* NULL, with a word on how to run the test, when there is no scratch server. */
PGconn *pg_control_open(void);
/* As when the machine loses its power, but for what the kernel has: kills its own session, so that
 * all end, and what had not left PostgreSQL's memory is gone. The session afterwards. */
PGconn *pg_control_kill(PGconn *pg, reactor *loop);
/* The first value of the first row as a number; 0 when there is none. */
int64_t pg_control(PGconn *pg, const char *sql);
/* The server's own process, from $SOT_PG_PID. */
pid_t pg_control_postmaster(void);

/* Turns the loop until the condition holds. The bound only ends a test that hangs. */
#define TURN_UNTIL(loop, condition)                                                                \
	do {                                                                                           \
		sot_mono limit_ = sot_mono_add_ms(sot_mono_now(), 90000);                                  \
		bool met_;                                                                                 \
		while (!(met_ = (condition)) && !sot_mono_reached(sot_mono_now(), limit_))                 \
			reactor_turn(loop, 100);                                                               \
		assert_true(met_);                                                                         \
	} while (0)

#endif
