/* Backups: sotalia-backup does them; there is one way only. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Becomes that program: what it prints and its exit code are the answer. */
static cli_exit become(const char *what, const char *where)
{
	const char *argv[] = {"sotalia-backup", what, where, NULL};
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	cli_say("error: sotalia-backup: %s; run this on the machine of the database, as root, with the "
	        "package sotalia-admin",
	    strerror(errno));
	return CLI_NOT_FOUND;
}

cli_exit run_admin_backup(const cli_call *call)
{
	return become("take", call->args[0]);
}

cli_exit run_admin_check(const cli_call *call)
{
	return become("check", call->args[0]);
}

cli_exit run_admin_restore(const cli_call *call)
{
	return become("restore", call->args[0]);
}
