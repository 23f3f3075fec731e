/* cli - the `sotalia` command: one table of commands, one client of the HTTP API.
 *
 * Data goes to stdout, everything for people to stderr. Exit codes are part of the contract
 * (`sotalia --help` lists them).
 */
#ifndef CLI_H
#define CLI_H

#include "sot_err.h"
#include "sot_mem.h"

#include <jansson.h>
#include <stdio.h>

typedef enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,  /* the operation failed */
	CLI_DIFFERS = 2, /* --detailed-exitcode: there is something to change */
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

typedef enum cli_output { CLI_TABLE, CLI_WIDE, CLI_JSON, CLI_YAML, CLI_NAME, CLI_CSV } cli_output;

typedef struct cli_command cli_command;

#define CLI_ARGS_MAX 8
#define CLI_OPTIONS_MAX 96
typedef struct cli_call {
	const cli_command *command;
	const char *args[CLI_ARGS_MAX];
	size_t arg_count;
	char *const *rest; /* behind "--", of a command that takes it */
	size_t rest_count;
	struct {
		const char *name, *value;
	} options[CLI_OPTIONS_MAX];
	size_t option_count;
	cli_output output;
	int64_t wait_ms; /* 0: do not follow; on a terminal a change is followed unless --detach */
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
	CLI_MS,       /* 83500 -> 83.5s */
	CLI_REAL,     /* 0.03125 -> 0.0312 */
	CLI_STATE,    /* a state; "unknown 3m" while the item has an unknownSince */
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
	bool changes;                /* takes --wait, --detach and --idempotency-key */
	bool takes_rest;             /* "-- WORDS..." are passed on as they are */
	cli_exit (*run)(const cli_call *call);
	/* What run needs when it is one of the generic ones. */
	const char *method, *path; /* "%s" stands for the arguments, in order */
	const cli_column *columns;
	const char *name_field;
	const cli_command *short_for; /* of a short form such as `sotalia deploy`: the whole command */
};

/* Of all commands, of those that change something, and of lists; ended by a NULL name. */
extern const cli_option cli_common_options[], cli_change_options[], cli_list_options[];

size_t cli_command_count(void);
const cli_command *cli_command_at(size_t i);
/* The command of a noun, or of a noun and a verb (NULL: none was typed); NULL: there is none. */
const cli_command *cli_command_of(const char *noun, const char *verb);

/* Fills *ret from argv. When it returns false the program ends with *ret_exit (help was shown, or
 * what is wrong was said). */
bool cli_parse(int argc, char **argv, cli_call *ret, cli_exit *ret_exit);
/* The value of an option, NULL when it was not given; `nth` counts repeated ones from 0. */
const char *cli_option_of(const cli_call *call, const char *name, size_t nth);
/* Fills url, token, ca_file: from the options, else the environment, else the context. False: a
 * context was asked for that is not there; it was said. */
bool cli_call_identity(cli_call *call);
/* Prints the candidates for the last of the words (those after "sotalia"). */
void cli_complete(size_t count, char *const *words);
/* Help texts. */
void cli_help_all(sot_buf *out);
void cli_help_exit_codes(sot_buf *out);
void cli_help_noun(const char *noun, sot_buf *out);
void cli_help_command(const cli_command *command, sot_buf *out);
/* The name nearest to what was typed, NULL when none is near. */
const char *cli_nearest(const char *typed, const char *const *names, size_t count);

/* ---- output ---- */
/* A table of the items (a JSON array); `now_unix` is for ages. */
void cli_table(
    const cli_column *columns, const json_t *items, bool wide, int64_t now_unix, sot_buf *out);
/* A list as -o asks for it: a table of the items, their names, lines of CSV, or `whole` as JSON or
 * YAML. CSV has all columns and plain values: bytes as numbers, times as they are. */
void cli_print_items(const cli_call *call, const cli_column *columns, const char *name_field,
    const json_t *items, const json_t *whole);
/* The value at a dotted path; NULL when absent. */
const json_t *cli_at(const json_t *object, const char *path);
const char *cli_text_at(const json_t *object, const char *path); /* "" when absent or no text */
/* 536870912 -> "512 MiB" */
void cli_format_bytes(int64_t bytes, char *dst, size_t size);
void cli_print(const sot_buf *text); /* to stdout */
/* Whether -o asks for the API's own objects; then cli_print_data() prints them, and nothing else is
 * printed to stdout. */
bool cli_is_data(const cli_call *call);
/* As JSON or YAML. */
void cli_write_data(const cli_call *call, const json_t *value, FILE *file);
/* To stdout. */
void cli_print_data(const cli_call *call, const json_t *value);
/* RFC 4180: the titles, then a line an item. */
void cli_csv(const cli_column *columns, const json_t *items, sot_buf *out);
/* One YAML 1.1 document (libyaml, UTF-8), its members in their order. */
void cli_yaml(const json_t *value, sot_buf *out);
/* The first document of a YAML text (JSON is one) as JSON: plain scalars become numbers, booleans
 * and null as the core schema of YAML 1.2 says, with no other surprise; aliases are refused. NULL:
 * `err` says which line is wrong. Release the value with json_decref(). */
json_t *cli_yaml_read(sot_str text, sot_err *err);
/* All its documents, as a list; an empty one is left out. */
json_t *cli_yaml_documents(sot_str text, sot_err *err);
void cli_say(const char *fmt, ...) SOT_PRINTF(1, 2); /* a line to stderr */

/* ---- the API ---- */
typedef struct cli_reply {
	int status;
	json_t *json;     /* NULL when the body is no JSON */
	char cookie[256]; /* "name=value" that it set, "" when none */
	sot_buf body;
} cli_reply;
void cli_reply_clear(cli_reply *reply);

typedef struct cli_request {
	const char *method, *path;  /* path with the query */
	const json_t *json;         /* the body, or NULL */
	const char *file;           /* the body: this file, raw */
	int64_t file_offset;        /* from this byte of it on */
	const char *file_type;      /* its Content-Type; NULL: application/octet-stream */
	const char *const *headers; /* more of them, NULL-terminated; or NULL */
	bool quiet;                 /* what fails is not said: the caller tries again */
	bool to_stdout;             /* a 200's body goes there as it comes, of any size */
	bool keeps_connection;      /* more of the kind will follow; not for what a cut may break off */
} cli_request;
/* Sends it. CLI_OK with a 2xx reply; otherwise the problem was printed and its exit code is
 * returned. The reply must be cleared in both cases. */
cli_exit cli_send(const cli_call *call, const cli_request *request, cli_reply *reply);
/* Says what is wrong, of a reply to a quiet request; its exit code. */
cli_exit cli_explain(const cli_call *call, const cli_reply *reply);
/* Server-sent events: each line goes to on_line, until it returns false, Ctrl-C, or the end. */
cli_exit cli_stream(const cli_call *call, const char *path, const char *last_event_id,
    bool (*on_line)(void *self, sot_str line), void *self);
bool cli_interrupted(void);
void cli_catch_interrupts(void);
/* Percent-encodes one path segment or query value; free() it. */
char *cli_escape(const char *text);
/* The path of a command with its arguments put in; free() it. */
char *cli_path(const char *pattern, const char *const *args, size_t arg_count);

/* All pages of a list as one (one page, of a history); json_decref *ret in both cases. */
cli_exit cli_fetch_all(const cli_call *call, const char *path, json_t **ret);

/* --watch: the list at `path`, then what changes in it, until Ctrl-C. */
cli_exit cli_watch(const cli_call *call, const char *path);

/* ---- changes ---- */
/* Bodies: the option's text or number as a field, `otherwise` (NULL: none) when it was not given.
 * False: what is wrong was said. */
bool cli_set_text(json_t *body, const cli_call *call, const char *option, const char *field,
    const char *otherwise);
bool cli_set_number(json_t *body, const char *what, const char *field, const char *text);
/* "--open=no" as a field; a flag without a value says yes. */
bool cli_set_flag(json_t *body, const cli_call *call, const char *option, const char *field);
bool cli_set_option_number(
    json_t *body, const cli_call *call, const char *option, const char *field);
/* A repeated option as a list; one empty value makes it empty. */
bool cli_set_texts(json_t *body, const cli_call *call, const char *option, const char *field);
/* Team and placement, as far as options say something about them. */
bool cli_set_placement(json_t *body, const cli_call *call);
/* GET of the command's path, reduced to these fields; release *ret in both cases. */
cli_exit cli_read_changeable(
    const cli_call *call, const char *const *fields, size_t field_count, json_t **ret);
/* Says so when a needed option was not given. */
bool cli_needed(const cli_call *call, const char *option);
/* Takes the body and sends it, when everything before was right; else the usage was wrong. */
cli_exit cli_send_if(const cli_call *call, bool right, const char *method, json_t *body);
/* As above, for what can be looked at first: with "dryRun" in the body a plan comes, which `show`
 * prints unless data is asked for. The path is of the argument `at`. */
cli_exit cli_send_planned(const cli_call *call, bool right, const char *method, size_t at,
    json_t *body, void (*show)(const json_t *plan));
/* The command's path with its arguments, and its options that are query parameters; free() it. */
char *cli_query_path(const cli_call *call);
/* After a 2xx answer to a change: prints it, follows the operation when --wait says so. */
cli_exit cli_accepted(const cli_call *call, const json_t *accepted);
/* The operation's log lines after *line to `out`; *line becomes the last one. */
cli_exit cli_log(
    const cli_call *call, const char *operation_id, long long *line, FILE *out, size_t *ret_count);
cli_exit cli_follow(const cli_call *call, const char *operation_id, int64_t wait_ms);

/* An object of the API for people: a line a member. */
void cli_print_object(const json_t *object);
/* GETs the command's path and prints the object; *ret is the object (json_decref it), or NULL. */
cli_exit cli_show(const cli_call *call, json_t **ret);

/* ---- commands ---- */
cli_exit run_list(const cli_call *call);
cli_exit run_show(const cli_call *call);
cli_exit run_change(const cli_call *call);
/* completion.c */
cli_exit run_completion(const cli_call *call);
/* context.c */
cli_exit run_context_login(const cli_call *call);
cli_exit run_context_list(const cli_call *call);
cli_exit run_context_use(const cli_call *call);
cli_exit run_context_delete(const cli_call *call);
/* run_machine.c */
cli_exit run_host_import(const cli_call *call);
cli_exit run_host_retry(const cli_call *call);
cli_exit run_host_enrolment(const cli_call *call);
cli_exit run_machine_log(const cli_call *call);
cli_exit run_host_key_approve(const cli_call *call);
cli_exit run_host_key_revoke(const cli_call *call);
/* run_monitor.c */
cli_exit run_monitor_status(const cli_call *call);
cli_exit run_monitor_test(const cli_call *call);
cli_exit run_monitor_trace(const cli_call *call);
/* run_change for what cannot be undone: on a terminal, without --yes, the name must be typed. */
cli_exit run_destroy(const cli_call *call);
cli_exit run_host_show(const cli_call *call);
cli_exit run_host_register(const cli_call *call);
cli_exit run_image_register(const cli_call *call);
cli_exit run_image_show(const cli_call *call);
cli_exit run_image_add(const cli_call *call);
cli_exit run_image_test(const cli_call *call);
cli_exit run_image_build(const cli_call *call);
cli_exit run_image_rollout(const cli_call *call);
cli_exit run_image_collect(const cli_call *call);
cli_exit run_app_create(const cli_call *call);
cli_exit run_app_update(const cli_call *call);
cli_exit run_host_set(const cli_call *call);
cli_exit run_host_class_set(const cli_call *call);
cli_exit run_plan_set(const cli_call *call);
/* run_audit.c */
cli_exit run_audit_export(const cli_call *call);
cli_exit run_audit_check(const cli_call *call);
cli_exit run_admin_backup(const cli_call *call);
cli_exit run_admin_check(const cli_call *call);
cli_exit run_admin_restore(const cli_call *call);
cli_exit run_webhook_create(const cli_call *call);
cli_exit run_webhook_update(const cli_call *call);
/* run_users.c */
cli_exit run_user_create(const cli_call *call);
cli_exit run_user_update(const cli_call *call);
cli_exit run_grant_add(const cli_call *call);
cli_exit run_token_create(const cli_call *call);
cli_exit run_permission_list(const cli_call *call);
cli_exit run_team_set(const cli_call *call);
cli_exit run_mixing_set(const cli_call *call);
cli_exit run_app_scale(const cli_call *call);
cli_exit run_app_deploy(const cli_call *call);
cli_exit run_app_rollback(const cli_call *call);
/* The options of a strategy as `strategy`, --plan as `dryRun`. False: said what is wrong. */
bool cli_add_strategy(json_t *body, const cli_call *call);
cli_exit run_rollout_show(const cli_call *call);
cli_exit run_app_resize(const cli_call *call);
cli_exit run_instance_resize(const cli_call *call);
cli_exit run_app_rebuild(const cli_call *call);
cli_exit run_instance_move(const cli_call *call);
cli_exit run_app_recovery(const cli_call *call);
cli_exit run_reason(const cli_call *call);
cli_exit run_host_evacuate(const cli_call *call);
cli_exit run_host_drain(const cli_call *call);
cli_exit run_host_maintenance(const cli_call *call);
cli_exit run_package_upload(const cli_call *call);
cli_exit run_group_set(const cli_call *call);
cli_exit run_elastic_set(const cli_call *call);
cli_exit run_group_move(const cli_call *call);
cli_exit run_middleware_upload(const cli_call *call);
cli_exit run_app_middleware(const cli_call *call);
/* run_middleware.c */
cli_exit run_middleware_rollout(const cli_call *call);
cli_exit run_app_label(const cli_call *call);
cli_exit run_app_maintenance(const cli_call *call);
cli_exit run_app_retention(const cli_call *call);
cli_exit run_signing_key_add(const cli_call *call);
cli_exit run_app_signing(const cli_call *call);
/* run_inside.c */
cli_exit run_instance_inside(const cli_call *call);
cli_exit run_host_packages(const cli_call *call);
cli_exit run_instance_logs(const cli_call *call);
/* run_apply.c */
cli_exit run_apply(const cli_call *call);
cli_exit run_app_manifest(const cli_call *call);
cli_exit run_app_logs(const cli_call *call); /* run_logs.c */
/* One instance by its route, or many by operation_bulk. */
cli_exit run_instance_act(const cli_call *call);
cli_exit run_operation_bulk(const cli_call *call);
/* Says what the bulk operation of this body would hit, asks on a terminal, and sends it unless
 * --dry-run is given. Takes the body. */
cli_exit cli_run_many(const cli_call *call, const char *action, json_t *body);
cli_exit run_operation_log(const cli_call *call);
cli_exit run_operation_show(const cli_call *call);
cli_exit run_operation_watch(const cli_call *call);
cli_exit run_event_tail(const cli_call *call);
cli_exit run_status(const cli_call *call);
cli_exit run_why(const cli_call *call);
cli_exit run_what_if(const cli_call *call);
cli_exit run_capacity(const cli_call *call);
cli_exit run_rebalance(const cli_call *call);
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
/* The words behind `--` as a line for the far shell, with a NUL. */
void cli_far_command(const cli_call *call, sot_buf *out);
/* A word as that shell sees it whole. */
void cli_add_quoted(sot_buf *out, const char *word);
cli_exit run_exec(const cli_call *call); /* its result is the program's exit status */
cli_exit run_copy(const cli_call *call);
cli_exit run_ssh(const cli_call *call); /* becomes ssh when all is well */
cli_exit run_ssh_config(const cli_call *call);
cli_exit run_key_add(const cli_call *call);
cli_exit run_revocation(const cli_call *call);

#endif
