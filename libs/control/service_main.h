/* service_main - the whole life of a service that is one object in one loop: failpoints and log,
 * command line and configuration, the object, signals and watchdog (service.h), the loop, the end.
 */
#ifndef SERVICE_MAIN_H
#define SERVICE_MAIN_H

#include "reactor.h"

typedef struct service_program {
	const char *name; /* "ipam" of sotalia-ipam; borrowed */
	/* Fills `config`. *ret_is_over: all that was asked for, as --help, is done. */
	sot_code (*load)(int argc, char **argv, void *config, bool *ret_is_over, sot_err *err);
	/* Makes the service's object in *ret; untouched on failure. */
	sot_code (*begin)(reactor *loop, const void *config, void **ret, sot_err *err);
	/* No new work; calls done(self) when the rest is done. */
	void (*drain)(void *work, void (*done)(void *self), void *self);
	/* Frees the object, after the loop has stopped. */
	void (*end)(void *work);
} service_program;

/* The exit code of the process: 0 when it served and was told to end, or had nothing to do; 1 when
 * it could not serve (the reason is in the log); 2 when command line or configuration are wrong
 * (the reason is on stderr). `config` is what load fills. */
int service_main(const service_program *program, void *config, int argc, char **argv);

#endif
