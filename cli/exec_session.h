/* exec_session - one program in an instance, with three descriptors of this process as its standard
 * streams: what `sotalia exec` and `sotalia cp` are made of. Blocks until the session is over;
 * takes over the handling of signals meanwhile, and ignores SIGPIPE for the whole process.
 */
#ifndef EXEC_SESSION_H
#define EXEC_SESSION_H

#include "cli.h"

/* The exit status of a session that was refused or cut. */
enum { EXEC_SESSION_BROKEN = 255 };

typedef struct exec_wish {
	const char *instance; /* name or id */
	const char *account;  /* NULL: admin */
	const char *command;  /* a line for the shell inside; "": a log-in shell */
	bool terminal;        /* with one, as large as this process's, which is made raw meanwhile */
	bool interactive;     /* `in` is passed on, and its end */
	int in, out, err;     /* borrowed; read and written as far as they are ready */
} exec_wish;

/* CLI_OK: it began; *ret_status is the program's exit status, 128 and the signal that ended it, or
 * EXEC_SESSION_BROKEN. Otherwise it did not begin. Why was said in all cases. */
cli_exit exec_session_run(const cli_call *call, const exec_wish *wish, int *ret_status);

#endif
