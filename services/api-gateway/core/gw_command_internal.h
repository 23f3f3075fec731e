/* gw_command_internal - what the files of gw_command share: its contract is gw_command.h. */
#ifndef GW_COMMAND_INTERNAL_H
#define GW_COMMAND_INTERNAL_H

#include "gw_command.h"

#include "sot_proto.h"

/* Adds to *errors and fills *err; returns SOT_INVALID. */
sot_code command_blame(
    gw_json_errors *errors, const char *pointer, const char *detail, sot_err *err);
struct sot_request_context command_context(const gw_command *c);

/* gw_command_operation.c: the routes that are about operations. */
bool operation_command_owns(gw_route_id route);
const gw_field *operation_command_fields(gw_route_id route, size_t *ret_count);
sot_code operation_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out,
    gw_json_errors *errors, sot_err *err) SOT_CHECK;
/* gw_command_ssh.c: as gw_command_fields, for the ssh routes. */
const gw_field *ssh_command_fields(gw_route_id route, size_t *ret_count);

/* gw_command_users.c: the same, for users, grants, tokens. */
const gw_field *users_command_fields(gw_route_id route, size_t *ret_count);
/* gw_command_monitor.c: the same, for what is asked of bridges. */
const gw_field *monitor_command_fields(gw_route_id route, size_t *ret_count);

/* gw_command_machines.c: the same, for machines on their way into service. */
const gw_field *machines_command_fields(gw_route_id route, size_t *ret_count);

/* gw_command_placement.c: questions about placement. */
bool placement_command_owns(gw_route_id route);
const gw_field *placement_command_fields(gw_route_id route, size_t *ret_count);
sot_code placement_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err) SOT_CHECK;

/* gw_command_ipam.c: the routes that ipam carries out. */
bool ipam_command_owns(gw_route_id route);
/* The fields of the route's body; *ret_count is 0, and NULL is returned, for any other route. */
const gw_field *ipam_command_fields(gw_route_id route, size_t *ret_count);
sot_code ipam_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out,
    gw_json_errors *errors, sot_err *err) SOT_CHECK;

/* ---- gw_command_rules.c: placement rules, hosts, host classes, plans, teams, mixing ---- */
#define COMMAND_WORDS_MAX 16
/* What a placement's lists point into, until it is encoded. */
typedef struct command_lists {
	sot_str words[5][COMMAND_WORDS_MAX];
	struct sot_relation relations[COMMAND_WORDS_MAX];
} command_lists;
/* The member `placement` of a checked body; what is left out gets its default. */
struct sot_placement command_placement(const json_t *body, command_lists *lists);
/* A list of texts; returns how many. */
size_t command_words(const json_t *object, const char *name, sot_str *ret, size_t max);
#define COMMAND_PLACEMENT_FIELDS 9
extern const gw_field command_placement_fields[COMMAND_PLACEMENT_FIELDS];
bool rules_command_owns(gw_route_id route);
const gw_field *rules_command_fields(gw_route_id route, size_t *ret_count);
sot_code rules_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out,
    gw_json_errors *errors, sot_err *err) SOT_CHECK;

/* ---- gw_command_rollout.c: versions, plans and images rolled over an app ---- */
#define COMMAND_STRATEGY_FIELDS 14
extern const gw_field command_strategy_fields[COMMAND_STRATEGY_FIELDS];
bool rollout_command_owns(gw_route_id route);
const gw_field *rollout_command_fields(gw_route_id route, size_t *ret_count);
sot_code rollout_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out,
    gw_json_errors *errors, sot_err *err) SOT_CHECK;

/* ---- gw_command_settings.c: settings of apps, middleware over many apps ---- */
bool settings_command_owns(gw_route_id route);
const gw_field *settings_command_fields(gw_route_id route, size_t *ret_count);
sot_code settings_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err) SOT_CHECK;

/* ---- gw_command_images.c: versions of images ---- */
bool images_command_owns(gw_route_id route);
const gw_field *images_command_fields(gw_route_id route, size_t *ret_count);
sot_code images_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err) SOT_CHECK;

/* ---- gw_command_groups.c: groups of an app ---- */
bool groups_command_owns(gw_route_id route);
const gw_field *groups_command_fields(gw_route_id route, size_t *ret_count);
sot_code groups_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err) SOT_CHECK;

/* ---- gw_command_elastic.c: elastic scaling ---- */
bool elastic_command_owns(gw_route_id route);
const gw_field *elastic_command_fields(gw_route_id route, size_t *ret_count);
sot_code elastic_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err) SOT_CHECK;

/* ---- gw_command_packages.c: versions of packages, signatures ---- */
bool packages_command_owns(gw_route_id route);
const gw_field *packages_command_fields(gw_route_id route, size_t *ret_count);
sot_code packages_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err) SOT_CHECK;

/* ---- gw_command_hosts.c: where instances run, hosts that are lost ---- */
#define COMMAND_RECOVERY_FIELDS                                                                    \
	{.name = "recovery", .kind = GW_TEXT, .min = 1, .max = 16, .words = "pinned replaceable"},     \
	{                                                                                              \
		.name = "onReturn", .kind = GW_TEXT, .min = 1, .max = 24,                                  \
		.words = "keep_original keep_replacement longest_running"                                  \
	}
enum sot_recovery command_recovery(const json_t *body);
enum sot_on_return command_on_return(const json_t *body);
bool hosts_command_owns(gw_route_id route);
const gw_field *hosts_command_fields(gw_route_id route, size_t *ret_count);
sot_code hosts_command_encode(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err) SOT_CHECK;

#endif
