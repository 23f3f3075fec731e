/* exec_program - starts the program of an exec session, as the account that was asked for.
 *
 *   admin      the account's shell: a log-in shell, or the command by it; supplementary groups
 *   readonly   sotalia-readonly, the same program and confinement as over ssh (docs/ssh.md)
 *   app        /bin/sh with the command and the environment of PID 1: health checks
 */
#ifndef HOSTAGENT_EXEC_PROGRAM_H
#define HOSTAGENT_EXEC_PROGRAM_H

#include "exec_frame.h"

#include <sys/types.h>

/* Descriptors of the session's side; -1 when absent. All close-on-exec and non-blocking. With a
 * terminal `input` and `output` are its one descriptor. */
typedef struct exec_program {
	pid_t pid; /* leads a session and a process group of its own */
	int input, output, error_output;
} exec_program;

/* False: *ret_why says why, in words for the user. */
bool exec_program_start(const exec_frame *open, exec_program *ret, const char **ret_why);
void exec_program_resize(const exec_program *p, uint16_t columns, uint16_t rows);

#endif
