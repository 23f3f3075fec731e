/* cli - the `sotalia` command: one table of commands, one client of the HTTP API.
 *
 * Data goes to stdout, everything for people to stderr. Exit codes are part of the contract
 * (`sotalia --help` lists them).
 */
#ifndef CLI_H
#define CLI_H

#include "sot_mem.h"

#include <jansson.h>

typedef enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,  /* the operation failed */
	CLI_BLOCKED = 3, /* no capacity, no address, a quota */
	CLI_NOT_FOUND = 4,
	CLI_CONFLICT = 5,
	CLI_DENIED = 6, /* not authenticated or not permitted */
	CLI_UNREACHABLE = 7,
	CLI_TIMED_OUT = 8, /* --wait is over; the operation goes on */
	CLI_USAGE = 64,
	CLI_DETACHED = 130, /* Ctrl-C; the operation goes on */
} cli_exit;

/* ---- what was typed ---- */
typedef struct cli_option {
	const char *name;  /* without "--" */
	const char *value; /* what it takes: "N"; NULL: nothing */
	const char *help;
} cli_option;

typedef enum cli_output { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_NAME } cli_output;

typedef struct cli_command cli_command;

#define CLI_ARGS_MAX 8
#define CLI_OPTIONS_MAX 96
typedef struct cli_call {
	const cli_command *command;
	const char *args[CLI_ARGS_MAX];
	size_t arg_count;
	struct {
		const char *name, *value;
	} options[CLI_OPTIONS_MAX];
	size_t option_count;
	cli_output output;
	int64_t wait_ms; /* 0: do not follow */
	const char *url, *token, *ca_file, *idempotency_key;
	bool verbose;
} cli_call;

typedef enum cli_format {
	CLI_TEXT,
	CLI_BYTES,    /* 536870912 -> 512 MiB */
	CLI_CPU,      /* 500 -> 0.5 */
	CLI_AGE,      /* a time -> 3m */
	CLI_PROGRESS, /* {done,total} -> 2/6 */
	CLI_LIST,     /* of texts, or of {kind,name} -> a b, az:b rack:r1 */
	CLI_DAYS,     /* 12.4 -> 12d */
} cli_format;

typedef struct cli_column {
	const char *title, *path; /* path: "capacity.cpuMilli" */
	cli_format format;
	bool wide; /* only with -o wide */
} cli_column;

struct cli_command {
	const char *noun, *verb; /* verb NULL: a shortcut such as `sotalia status` */
	const char *args;        /* "NAME COUNT" for the usage line */
	size_t arg_min, arg_max;
	const char *summary, *details;
	const char *const *examples; /* NULL-terminated */
	const cli_option *options;   /* ended by a NULL name */
	bool changes;                /* takes --wait and --idempotency-key */
	cli_exit (*run)(const cli_call *call);
	/* What run needs when it is one of the generic ones. */
	const char *method, *path; /* "%s" stands for the arguments, in order */
	const cli_column *columns;
	const char *name_field;
};

size_t cli_command_count(void);
const cli_command *cli_command_at(size_t i);

/* Fills *ret from argv. When it returns false the program ends with *ret_exit (help was shown, or
 * what is wrong was said). */
bool cli_parse(int argc, char **argv, cli_call *ret, cli_exit *ret_exit);
/* The value of an option, NULL when it was not given; `nth` counts repeated ones from 0. */
const char *cli_option_of(const cli_call *call, const char *name, size_t nth);
/* Help texts. */
void cli_help_all(sot_buf *out);
void cli_help_noun(const char *noun, sot_buf *out);
void cli_help_command(const cli_command *command, sot_buf *out);
/* The name nearest to what was typed, NULL when none is near. */
const char *cli_nearest(const char *typed, const char *const *names, size_t count);

/* ---- output ---- */
/* A table of the items (a JSON array); `now_unix` is for ages. */
void cli_table(
    const cli_column *columns, const json_t *items, bool wide, int64_t now_unix, sot_buf *out);
/* The value at a dotted path; NULL when absent. */
const json_t *cli_at(const json_t *object, const char *path);
const char *cli_text_at(const json_t *object, const char *path); /* "" when absent or no text */
void cli_print(const sot_buf *text);                             /* to stdout */
void cli_print_json(const json_t *value);                        /* to stdout, indented */
void cli_say(const char *fmt, ...) SOT_PRINTF(1, 2);             /* a line to stderr */

/* ---- the API ---- */
typedef struct cli_reply {
	int status;
	json_t *json; /* NULL when the body is no JSON */
	sot_buf body;
} cli_reply;
void cli_reply_clear(cli_reply *reply);

typedef struct cli_request {
	const char *method, *path; /* path with the query */
	const json_t *json;        /* the body, or NULL */
	const char *file;          /* the body: this file, raw */
} cli_request;
/* Sends it. CLI_OK with a 2xx reply; otherwise the problem was printed and its exit code is
 * returned. The reply must be cleared in both cases. */
cli_exit cli_send(const cli_call *call, const cli_request *request, cli_reply *reply);
/* Server-sent events: each line goes to on_line, until it returns false, Ctrl-C, or the end. */
cli_exit cli_stream(const cli_call *call, const char *path, const char *last_event_id,
    bool (*on_line)(void *self, sot_str line), void *self);
bool cli_interrupted(void);
void cli_catch_interrupts(void);
/* Percent-encodes one path segment or query value; free() it. */
char *cli_escape(const char *text);
/* The path of a command with its arguments put in; free() it. */
char *cli_path(const char *pattern, const char *const *args, size_t arg_count);

/* ---- changes ---- */
/* Bodies: the option's text or number as a field, `otherwise` (NULL: none) when it was not given.
 * False: what is wrong was said. */
bool cli_set_text(json_t *body, const cli_call *call, const char *option, const char *field,
    const char *otherwise);
bool cli_set_number(json_t *body, const char *what, const char *field, const char *text);
/* Says so when a needed option was not given. */
bool cli_needed(const cli_call *call, const char *option);
/* Takes the body and sends it, when everything before was right; else the usage was wrong. */
cli_exit cli_send_if(const cli_call *call, bool right, const char *method, json_t *body);
/* The command's path with its arguments, and its options that are query parameters; free() it. */
char *cli_query_path(const cli_call *call);
/* After a 2xx answer to a change: prints it, follows the operation when --wait says so. */
cli_exit cli_accepted(const cli_call *call, const json_t *accepted);
cli_exit cli_follow(const cli_call *call, const char *operation_id, int64_t wait_ms);

/* ---- commands ---- */
cli_exit run_list(const cli_call *call);
cli_exit run_show(const cli_call *call);
cli_exit run_change(const cli_call *call);
/* run_change for what cannot be undone: on a terminal, without --yes, the name must be typed. */
cli_exit run_destroy(const cli_call *call);
cli_exit run_host_register(const cli_call *call);
cli_exit run_image_register(const cli_call *call);
cli_exit run_app_create(const cli_call *call);
cli_exit run_app_scale(const cli_call *call);
cli_exit run_app_deploy(const cli_call *call);
cli_exit run_package_upload(const cli_call *call);
cli_exit run_instance_logs(const cli_call *call);
cli_exit run_operation_show(const cli_call *call);
cli_exit run_operation_watch(const cli_call *call);
cli_exit run_event_tail(const cli_call *call);
cli_exit run_status(const cli_call *call);
/* A body that is no JSON, to stdout as it is. */
cli_exit run_export(const cli_call *call);
cli_exit run_vlan_create(const cli_call *call);
cli_exit run_vlan_update(const cli_call *call);
cli_exit run_subnet_create(const cli_call *call);
cli_exit run_subnet_update(const cli_call *call);
cli_exit run_subnet_map(const cli_call *call);
cli_exit run_range_create(const cli_call *call);
cli_exit run_address_fix(const cli_call *call);
cli_exit run_ipam_status(const cli_call *call);
cli_exit run_ipam_import(const cli_call *call);
cli_exit run_ipam_guard(const cli_call *call);

#endif
