/* harness - a real gateway process between a scratch PostgreSQL, and a scheduler and an ipam played
 * by the test.
 *
 * Run under tests/pg.sh (SOT_PG_DIR). Everything runs in one reactor of the test; waiting is always
 * for a condition, with a deadline that fails the test.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "bus.h"
#include "http_client.h"

#define HARNESS_DEADLINE_MS 20000

typedef struct answer {
	bool done;
	sot_code code;
	int status;
	sot_buf body;
} answer;

typedef struct harness {
	reactor *loop;
	bus *bus, *ipam_bus;
	bus_server *scheduler, *ipam;
	http_client *http;
	char dir[64], url[80], address[64], token[128];
	int gateway_pid;
	bool tls;
	int head_deadline_ms; /* 0: the default; for the next start of the gateway */
	const char *s3_url, *s3_region, *s3_keys; /* NULL: no bucket; the same */
	int calls_per_second;                     /* 0: no limit; the same */
	char log_path[128];
	/* The scheduler of the test: what it was asked, what it answers. */
	unsigned asked;
	sot_buf last_frame;
	int refuse_with;    /* -1: accept; else enum sot_refusal */
	const char *answer; /* told instead of accepted, when not NULL: a JSON object */
	uint32_t retry_after_ms;
	bool silent;
	sot_uuid operation_id;
	/* ipam of the test: as the scheduler, but what it does is done at once. */
	unsigned ipam_asked;
	sot_buf ipam_frame;
	sot_uuid import_id; /* of the report that an import is answered with */
} harness;

/* Starts everything; `failpoints` may be NULL. With `tls` the certificate is <dir>/cert.pem. Exits
 * the test program when it cannot. */
void harness_start(harness *h, const char *failpoints, bool tls);
/* Makes an account with a token; ends one. */
void harness_account(harness *h, const char *name, const char *role, char ret_token[128]);
void harness_remove_account(harness *h, const char *name);
/* Sets SOTALIA_URL, SOTALIA_TOKEN and SOTALIA_CA for programs that are run; needs `tls`. */
void harness_environment(const harness *h);
/* Runs a program with the test's environment; its exit status, or 256 + signal. What it wrote to
 * stdout and stderr comes in `out` and `errors`, 8 KiB each, cut. */
int harness_run(harness *h, const char *const *argv, char out[8192], char errors[8192]);
void harness_stop(harness *h);
/* The rows of an app, as the scheduler would have written them. */
void harness_add_app(harness *h, const char *name);
/* Waits for the gateway to end; its exit status, or 256 + signal. */
int harness_wait_exit(harness *h);
/* Starts the gateway (again). */
void harness_spawn_gateway(harness *h, const char *failpoints);
/* Ends the gateway, which must end with 0. */
void harness_stop_gateway(harness *h);
/* Runs the loop until *flag, or fails. */
void harness_until(harness *h, const bool *flag);

/* One request with the token, if there is one; `extra` is NULL or a NULL-terminated list of
 * headers. The answer is valid until the next call. */
const answer *harness_call(
    harness *h, const char *method, const char *path, const char *const *extra, sot_str body);
/* Whether the body has the text; if not, prints the beginning of what is there. */
bool answer_has(const answer *a, const char *text);
/* A TCP connection to the gateway; the caller closes it. */
int harness_connect(harness *h);
/* Raw bytes over a connection, which it closes; the answer up to its end or 2,000 bytes. */
void harness_say(harness *h, int fd, sot_str bytes, char ret[2048]);
/* The same over one of its own. */
void harness_raw(harness *h, sot_str bytes, char ret[2048]);
/* SQL as the database's owner, by psql; output (at most 4 KiB) without the last newline. */
void harness_sql(harness *h, const char *user, const char *sql, char ret[4096]);

#endif
