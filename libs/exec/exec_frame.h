/* exec_frame - what travels in a session of `sotalia exec`: one kind byte, then the payload. Pure;
 * needs nothing but libc, since PID 1 of the instances is linked with it statically.
 *
 * The same frames go over all hops (docs/exec.md): as WebSocket messages between client and
 * gateway, inside exec_input and exec_output on the bus, and as packets of a unix socket between
 * agent and PID 1. Numbers are big-endian. What a frame holds is bounded: EXEC_DATA_MAX.
 *
 *   OPEN          flags(1) columns(2) rows(2) account NUL term NUL command NUL   agent -> PID 1
 *   INPUT         bytes                                                          -> program
 *   INPUT_END                                                                    -> program
 *   RESIZE        columns(2) rows(2)                                             -> program
 *   SIGNAL        number(1)                                                      -> program
 *   CREDIT        number(8): frames more, or between client and gateway all bytes taken so far
 *   BEGUN         position(8) session's id as text; position: bytes of output before this
 *   OUTPUT        bytes of standard output, or of the terminal                   -> client
 *   ERROR_OUTPUT  bytes of standard error                                        -> client
 *   END           reason(1) status(1) text                                       -> client
 */
#ifndef EXEC_FRAME_H
#define EXEC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where PID 1 of an instance listens: its name in the abstract space, without the leading NUL. */
#define EXEC_DOOR_NAME "sotalia/exec"

enum {
	EXEC_DATA_MAX = 8192,
	EXEC_FRAME_MAX = EXEC_DATA_MAX + 16,
	EXEC_WINDOW = 16, /* data frames under way in one direction, between gateway and PID 1 */
	EXEC_TEXT_MAX = 400,
	EXEC_COMMAND_MAX = 7000,
	EXEC_ACCOUNT_MAX = 32,
	EXEC_TERM_MAX = 64,
	EXEC_SIDE_MAX = 1000 /* columns or rows of a terminal */
};

typedef enum exec_kind {
	EXEC_OPEN = 1,
	EXEC_INPUT,
	EXEC_INPUT_END,
	EXEC_RESIZE,
	EXEC_SIGNAL,
	EXEC_CREDIT,
	EXEC_BEGUN,
	EXEC_OUTPUT,
	EXEC_ERROR_OUTPUT,
	EXEC_END
} exec_kind;

typedef enum exec_reason {
	EXEC_EXITED = 1, /* status: its own */
	EXEC_SIGNALLED,  /* status: the signal */
	EXEC_REFUSED,    /* it did not begin; text says why */
	EXEC_BROKEN      /* the platform ended it; text says why */
} exec_reason;

/* A parsed frame; texts borrow from the bytes. Members of other kinds are 0. */
typedef struct exec_frame {
	exec_kind kind;
	const uint8_t *data; /* INPUT, OUTPUT, ERROR_OUTPUT; text of END (no NUL); id of BEGUN */
	size_t n;
	uint16_t columns, rows; /* OPEN, RESIZE: 1..EXEC_SIDE_MAX; both 0 in an OPEN without terminal */
	uint8_t signal;
	uint64_t number; /* CREDIT, BEGUN */
	exec_reason reason;
	uint8_t status;
	bool terminal;                        /* OPEN */
	const char *account, *term, *command; /* OPEN, with their NULs */
} exec_frame;

/* False: it is no whole frame, or one out of bounds; *ret is untouched. */
bool exec_frame_parse(const void *bytes, size_t n, exec_frame *ret);
/* Writes the frame; the length. 0: it does not fit into EXEC_FRAME_MAX or is out of bounds. */
size_t exec_frame_write(const exec_frame *f, uint8_t dst[EXEC_FRAME_MAX]);
/* Data frames are what credit is given for. */
bool exec_kind_is_data(exec_kind kind);

/* A window of one direction: how many data frames the receiver still takes. */
typedef struct exec_window {
	unsigned left; /* may be sent */
} exec_window;
/* False: more than EXEC_WINDOW would be open, so the other side counts wrongly. */
bool exec_window_grant(exec_window *w, uint64_t frames);
/* False: nothing may be sent. */
bool exec_window_take(exec_window *w);

#endif
