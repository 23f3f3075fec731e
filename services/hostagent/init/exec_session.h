/* exec_session - one session of `sotalia exec`, served by a child of PID 1: frames of the
 * connection (exec_frame.h) to and from the program's terminal or pipes.
 *
 *   waits for OPEN --> runs: frames in, output out as far as there is credit
 *                        |--- the program ended ---> what it wrote is sent, END, exit
 *                        `--- the connection ended -> SIGHUP, then SIGKILL to all it started, exit
 *
 * What it holds is bounded: EXEC_WINDOW frames of input, one frame of output. It is the subreaper
 * of what the program starts, so that the end of a session that is cut ends all of it.
 */
#ifndef HOSTAGENT_EXEC_SESSION_H
#define HOSTAGENT_EXEC_SESSION_H

/* `fd`: the connection. The exit status for the process. */
int exec_session_serve(int fd);

#endif
