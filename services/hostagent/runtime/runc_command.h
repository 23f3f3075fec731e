/* runc_command - reads the command line that containerd's shim hands to runc, as far as the
 * wrapper needs it: which verb, which bundle, which container. Pure.
 */
#ifndef HOSTAGENT_RUNC_COMMAND_H
#define HOSTAGENT_RUNC_COMMAND_H

#include "sot_err.h"

#include <stdbool.h>

typedef struct runc_command {
	const char *state;  /* of --sotalia-state=DIR; NULL when not given */
	const char *runc;   /* of --sotalia-runc=PATH; NULL when not given */
	const char *view;   /* of --sotalia-view=DIR, LXCFS's folder; NULL when not given */
	const char *log;    /* of runc's --log; NULL when not given */
	int runc_first;     /* index of the first argument that is runc's */
	const char *verb;   /* NULL when there is none (runc --version) */
	bool creates;       /* the verb makes a container: create, run, restore */
	const char *bundle; /* "." when the verb creates and none was named; borrowed from argv */
	const char *container_id;
} runc_command;

/* SOT_INVALID when a verb that creates names no container, or an option lacks its value. */
sot_code runc_command_parse(
    int argc, const char *const *argv, runc_command *ret, sot_err *err) SOT_CHECK;

#endif
