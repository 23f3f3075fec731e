/* login_lines - the lines of an instance's journal of log-ins (init/login_journal.h). Pure. The
 * instance's root can write anything into it: what is not exactly a line of ours is none.
 */
#ifndef HOSTAGENT_LOGIN_LINES_H
#define HOSTAGENT_LOGIN_LINES_H

#include "sot_str.h"

typedef enum login_kind {
	LOGIN_BOOT,
	LOGIN_BEGINS,
	LOGIN_ENDS,
	LOGIN_DRIFT, /* a file of the platform was changed inside */
	LOGIN_SAME,  /* it is the platform's again */
} login_kind;

typedef struct login_line {
	login_kind kind;
	int64_t at_unix_ms;
	int64_t pid; /* of the session's process, as the instance counts; 0 for a boot */
	char account[33], address[64];
	uint16_t port;
	char key_id[201]; /* of a certificate, else "" */
	uint64_t serial;  /* of a certificate, else 0 */
	char fingerprint[64];
	char path[201]; /* of LOGIN_DRIFT and LOGIN_SAME, else "" */
} login_line;

/* False: it is no line of a journal. */
bool login_line_parse(sot_str line, login_line *ret);

/* The sessions that are on, from the lines in their order. */
#define LOGIN_SESSIONS_MAX 256u
typedef struct login_sessions {
	login_line open[LOGIN_SESSIONS_MAX];
	size_t count;
} login_sessions;
void login_sessions_take(login_sessions *s, const login_line *line);

#endif
