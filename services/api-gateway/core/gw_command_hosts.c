/* Commands about where instances run and about hosts that are lost. */
#include "gw_command_internal.h"

#define HOSTS_MAX 100
#define WINDOWS_MAX 8
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const gw_field move_fields[] = {
    {.name = "host", .kind = GW_TEXT, .min = 1, .max = 63},
};
static const gw_field recovery_fields[] = {COMMAND_RECOVERY_FIELDS};
static const gw_field reason_fields[] = {
    {.name = "reason", .kind = GW_TEXT, .required = true, .min = 1, .max = 200},
};
static const gw_field evacuate_fields[] = {
    {.name = "includePinned", .kind = GW_BOOL},
    {.name = "dryRun", .kind = GW_BOOL},
};

static const gw_field drain_fields[] = {
    {.name = "with", .kind = GW_TEXTS, .min = 0, .max = HOSTS_MAX, .item_max = 63},
    {.name = "includePinned", .kind = GW_BOOL},
    {.name = "parallel", .kind = GW_INT, .min = 0, .max = 100},
    {.name = "deadlineSeconds", .kind = GW_INT, .min = 0, .max = 604800},
    {.name = "dryRun", .kind = GW_BOOL},
};

static const gw_field windows_fields[] = {
    {.name = "windows", .kind = GW_TEXTS, .min = 0, .max = WINDOWS_MAX, .item_max = 60},
};

/* What agents tell: shell/gw_host_notes.c. */
static const gw_field freed_fields[] = {
    {.name = "policy", .kind = GW_TEXT, .required = true, .min = 1, .max = 32},
    {.name = "entries", .kind = GW_INT, .required = true, .min = 0, .max = INT64_MAX / 1024},
    {.name = "bytes", .kind = GW_INT, .required = true, .min = 0, .max = INT64_MAX / 1024},
};
static const gw_field disk_fields[] = {
    {.name = "instance", .kind = GW_TEXT, .required = true, .min = 36, .max = 36},
    {.name = "over", .kind = GW_BOOL, .required = true},
    {.name = "usedBytes", .kind = GW_INT, .required = true, .min = 0, .max = INT64_MAX},
    {.name = "planBytes", .kind = GW_INT, .required = true, .min = 0, .max = INT64_MAX},
    {.name = "action",
        .kind = GW_TEXT,
        .required = true,
        .min = 4,
        .max = 6,
        .words = "tell freeze stop"},
};
static const gw_field notes_fields[] = {
    {.name = "run", .kind = GW_TEXT, .required = true, .min = 1, .max = 64},
    {.name = "mode", .kind = GW_TEXT, .required = true, .min = 2, .max = 3, .words = "on dry"},
    {.name = "freed",
        .kind = GW_OBJECTS,
        .min = 0,
        .max = 64,
        .fields = freed_fields,
        .field_count = COUNT(freed_fields)},
    {.name = "disks",
        .kind = GW_OBJECTS,
        .min = 0,
        .max = 200,
        .fields = disk_fields,
        .field_count = COUNT(disk_fields)},
};

static const struct {
	gw_route_id route;
	const gw_field *fields;
	size_t count;
} routes[] = {
    {GW_ROUTE_instance_move, move_fields, COUNT(move_fields)},
    {GW_ROUTE_app_set_recovery, recovery_fields, COUNT(recovery_fields)},
    {GW_ROUTE_host_declare_lost, reason_fields, COUNT(reason_fields)},
    {GW_ROUTE_host_evacuate, evacuate_fields, COUNT(evacuate_fields)},
    {GW_ROUTE_host_brake_release, reason_fields, COUNT(reason_fields)},
    {GW_ROUTE_host_notes, notes_fields, COUNT(notes_fields)},
    {GW_ROUTE_host_drain, drain_fields, COUNT(drain_fields)},
    {GW_ROUTE_host_maintenance_set, windows_fields, COUNT(windows_fields)},
    {GW_ROUTE_rack_maintenance_set, windows_fields, COUNT(windows_fields)},
};

bool hosts_command_owns(gw_route_id route)
{
	size_t count;
	return route == GW_ROUTE_host_retire || route == GW_ROUTE_host_container_ignore ||
	       route == GW_ROUTE_host_container_watch || route == GW_ROUTE_host_container_adopt ||
	       hosts_command_fields(route, &count) != NULL;
}

const gw_field *hosts_command_fields(gw_route_id route, size_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (routes[i].route != route)
			continue;
		*ret_count = routes[i].count;
		return routes[i].fields;
	}
	return NULL;
}

/* The words were checked; without one the first of the enum is meant, which is the careful one. */
enum sot_recovery command_recovery(const json_t *body)
{
	int found = sot_recovery_find(gw_json_text(body, "recovery"));
	return found < 0 ? SOT_RECOVERY_PINNED : (enum sot_recovery)found;
}

enum sot_on_return command_on_return(const json_t *body)
{
	int found = sot_on_return_find(gw_json_text(body, "onReturn"));
	return found < 0 ? SOT_ON_RETURN_KEEP_ORIGINAL : (enum sot_on_return)found;
}

static sot_code encode_move(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_instance_move m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .instance = sot_str_c(c->params[0]),
	    .host = gw_json_text(c->body, "host"),
	};
	return sot_instance_move_encode(&m, out, err);
}

static sot_code encode_recovery(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_app_set_recovery m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .recovery = command_recovery(c->body),
	    .on_return = command_on_return(c->body),
	};
	return sot_app_set_recovery_encode(&m, out, err);
}

static sot_code encode_declare_lost(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_host_declare_lost m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .reason = gw_json_text(c->body, "reason"),
	};
	return sot_host_declare_lost_encode(&m, out, err);
}

/* The plan of an evacuation is that of a drain: the same instances, by the same choice. */
static sot_code encode_evacuate_plan(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_host_drain m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .include_pinned = json_is_true(json_object_get(c->body, "includePinned")),
	    .dry_run = true,
	};
	return sot_host_drain_encode(&m, out, err);
}

static sot_code encode_evacuate(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	if (json_is_true(json_object_get(c->body, "dryRun")))
		return encode_evacuate_plan(c, request_id, out, err);
	struct sot_host_evacuate m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .include_pinned = json_is_true(json_object_get(c->body, "includePinned")),
	};
	return sot_host_evacuate_encode(&m, out, err);
}

static sot_code encode_drain(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str with[HOSTS_MAX];
	struct sot_host_drain m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .with = with,
	    .with_count = command_words(c->body, "with", with, HOSTS_MAX),
	    .include_pinned = json_is_true(json_object_get(c->body, "includePinned")),
	    .parallel = (uint16_t)gw_json_int(c->body, "parallel", 0),
	    .deadline_s = (uint32_t)gw_json_int(c->body, "deadlineSeconds", 0),
	    .dry_run = json_is_true(json_object_get(c->body, "dryRun")),
	};
	return sot_host_drain_encode(&m, out, err);
}

static sot_code encode_windows(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	sot_str windows[WINDOWS_MAX];
	struct sot_host_maintenance m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .is_rack = c->route == GW_ROUTE_rack_maintenance_set,
	    .windows = windows,
	    .windows_count = command_words(c->body, "windows", windows, WINDOWS_MAX),
	};
	return sot_host_maintenance_encode(&m, out, err);
}

static sot_code encode_retire(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_host_retire m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	};
	return sot_host_retire_encode(&m, out, err);
}

static sot_code encode_container(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_host_container m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .name = sot_str_c(c->params[0]),
	    .container = sot_str_c(c->params[1]),
	    .action = c->route == GW_ROUTE_host_container_adopt    ? SOT_CONTAINER_ACTION_ADOPT
	              : c->route == GW_ROUTE_host_container_ignore ? SOT_CONTAINER_ACTION_IGNORE
	                                                           : SOT_CONTAINER_ACTION_WATCH,
	};
	return sot_host_container_encode(&m, out, err);
}

static sot_code encode_brake_release(
    const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	struct sot_host_brake_release m = {
	    .request_id = request_id,
	    .context = command_context(c),
	    .reason = gw_json_text(c->body, "reason"),
	};
	return sot_host_brake_release_encode(&m, out, err);
}

sot_code hosts_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out, sot_err *err)
{
	switch ((int)c->route) {
	case GW_ROUTE_instance_move:
		return encode_move(c, request_id, out, err);
	case GW_ROUTE_app_set_recovery:
		return encode_recovery(c, request_id, out, err);
	case GW_ROUTE_host_declare_lost:
		return encode_declare_lost(c, request_id, out, err);
	case GW_ROUTE_host_evacuate:
		return encode_evacuate(c, request_id, out, err);
	case GW_ROUTE_host_drain:
		return encode_drain(c, request_id, out, err);
	case GW_ROUTE_host_maintenance_set:
	case GW_ROUTE_rack_maintenance_set:
		return encode_windows(c, request_id, out, err);
	case GW_ROUTE_host_container_ignore:
	case GW_ROUTE_host_container_watch:
	case GW_ROUTE_host_container_adopt:
		return encode_container(c, request_id, out, err);
	case GW_ROUTE_host_retire:
		return encode_retire(c, request_id, out, err);
	default:
		return encode_brake_release(c, request_id, out, err);
	}
}
