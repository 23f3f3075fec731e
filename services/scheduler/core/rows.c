#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "sot_parse.h"
#include "sot_sm.h"

/*
 *   requested -> placed -> creating -> starting -> running
 *                             ^  ^________|  ^______| |
 *                             |______ failed <________|      (and back, when it recovers)
 *   running -> stopping -> stopped -> starting
 *   running -> frozen -> running
 *   creating .. failed -> moving -> creating | placed (needs another address)
 *   any but retired -> retiring -> retired
 */
#define BIT SOT_SM_BIT
#define LIVE                                                                                       \
	(BIT(INSTANCE_CREATING) | BIT(INSTANCE_STARTING) | BIT(INSTANCE_RUNNING) |                     \
	    BIT(INSTANCE_STOPPING) | BIT(INSTANCE_STOPPED) | BIT(INSTANCE_FAILED) |                    \
	    BIT(INSTANCE_RETIRING) | BIT(INSTANCE_MOVING) | BIT(INSTANCE_FROZEN))
static const sot_sm_state instance_states[INSTANCE_STATES] = {
    [INSTANCE_REQUESTED] = {"requested", BIT(INSTANCE_PLACED) | BIT(INSTANCE_RETIRING), false},
    [INSTANCE_PLACED] = {"placed", BIT(INSTANCE_CREATING) | BIT(INSTANCE_RETIRING), false},
    [INSTANCE_CREATING] = {"creating", LIVE, false},
    [INSTANCE_STARTING] = {"starting", LIVE, false},
    [INSTANCE_RUNNING] = {"running", LIVE, false},
    [INSTANCE_STOPPING] = {"stopping", LIVE, false},
    [INSTANCE_STOPPED] = {"stopped", LIVE, false},
    [INSTANCE_RETIRING] = {"retiring", BIT(INSTANCE_RETIRED), false},
    [INSTANCE_RETIRED] = {"retired", 0, true},
    [INSTANCE_FAILED] = {"failed", LIVE, false},
    [INSTANCE_FROZEN] = {"frozen", LIVE, false},
    [INSTANCE_MOVING] = {"moving",
        BIT(INSTANCE_CREATING) | BIT(INSTANCE_PLACED) | BIT(INSTANCE_RETIRING), false},
};

#define ENDS (BIT(OPERATION_DONE) | BIT(OPERATION_FAILED) | BIT(OPERATION_CANCELLED))
static const sot_sm_state operation_states[OPERATION_STATES] = {
    [OPERATION_QUEUED] = {"queued", BIT(OPERATION_RUNNING) | ENDS, false},
    [OPERATION_RUNNING] = {"running", ENDS, false},
    [OPERATION_DONE] = {"done", 0, true},
    [OPERATION_FAILED] = {"failed", 0, true},
    [OPERATION_CANCELLED] = {"cancelled", 0, true},
};

/*
 *   registered -> up <-> suspect -> agent_lost -> host_lost
 *   up: online | draining | maintenance | docker_sick; whoever is heard again is up
 *   host_lost from suspect: by an operator's word
 *   any that runs nothing and is not up to take more -> retired
 */
#define UP (BIT(HOST_ONLINE) | BIT(HOST_DRAINING) | BIT(HOST_MAINTENANCE) | BIT(HOST_DOCKER_SICK))
static const sot_sm_state host_states[HOST_STATES] = {
    [HOST_REGISTERED] = {"registered", UP | BIT(HOST_RETIRED), false},
    [HOST_ONLINE] = {"online", UP | BIT(HOST_SUSPECT) | BIT(HOST_RETIRED), false},
    [HOST_SUSPECT] = {"suspect", UP | BIT(HOST_AGENT_LOST) | BIT(HOST_HOST_LOST), false},
    [HOST_AGENT_LOST] = {"agent_lost", UP | BIT(HOST_HOST_LOST) | BIT(HOST_RETIRED), false},
    [HOST_HOST_LOST] = {"host_lost", UP | BIT(HOST_RETIRED), false},
    [HOST_DOCKER_SICK] = {"docker_sick", UP | BIT(HOST_SUSPECT) | BIT(HOST_RETIRED), false},
    [HOST_DRAINING] = {"draining", UP | BIT(HOST_SUSPECT), false},
    [HOST_MAINTENANCE] = {"maintenance", UP | BIT(HOST_SUSPECT) | BIT(HOST_RETIRED), false},
    [HOST_RETIRED] = {"retired", 0, true},
};

static const char *const host_duties[HOST_DUTIES] = {"active", "draining", "maintenance"};
static const char *const image_states[IMAGE_STATES] = {
    "candidate", "promoted", "retired", "removed"};
static const char *const image_smokes[IMAGE_SMOKES] = {"untested", "passed", "failed", "waived"};
static const char *const loss_proofs[LOSS_PROOFS] = {"", "witnesses", "operator"};
static const char *const operation_kinds[OPERATION_KINDS] = {"app.create", "app.scale",
    "app.delete", "app.deploy", "instance.start", "instance.stop", "instance.restart",
    "instance.retire", "instance.move", "app.resize", "app.rebuild", "app.middleware",
    "instance.resize", "instance.freeze", "instance.unfreeze", "instance.rebuild", "instance.adopt",
    "app.update", "package.register", "image.register", "host.register", "host.cordon",
    "host.uncordon", "host.set", "host_class.set", "host_class.delete", "plan.set", "plan.delete",
    "team.set", "team.delete", "mixing.set", "operation.cancel", "bulk.start", "bulk.stop",
    "bulk.restart", "bulk.retire", "bulk.scale", "bulk.deploy", "bulk.rebuild", "bulk.middleware",
    "app.recovery", "host.declare_lost", "host.replace", "host.evacuate", "host.return",
    "brake.release", "host.drain", "host.retire", "fleet.rebalance", "image.add", "image.test",
    "image.promote", "image.retire", "image.remove", "rollout.pause", "rollout.resume",
    "rollout.roll_back", "group.set", "group.delete", "group.move", "elastic.set", "elastic.delete",
    "app.labels", "app.maintenance", "app.retention", "host.maintenance", "host.container",
    "middleware.retention"};
static const char *const step_kinds[STEP_KINDS] = {"place", "address", "start", "healthy", "deploy",
    "stop", "restart", "remove", "release", "target", "leave", "resize", "freeze", "unfreeze",
    "rebuild", "replace", "return", "roll_back", "rotate_out", "rotate_in", "middleware"};
static const char *const log_levels[LOG_LEVELS] = {"info", "warn", "error"};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *word(const char *const *words, size_t count, unsigned value)
{
	return value < count ? words[value] : "?";
}

static sot_code find(const char *what, const char *const *words, size_t count, sot_str s,
    unsigned *ret, sot_err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (sot_str_eq_c(s, words[i])) {
			*ret = (unsigned)i;
			return SOT_OK;
		}
	}
	return sot_fail(err, SOT_INTERNAL, "unknown %s '%.*s'", what, SOT_ARG(s));
}

static sot_code find_state(const char *what, const sot_sm_state *table, unsigned count, sot_str s,
    unsigned *ret, sot_err *err)
{
	for (unsigned i = 0; i < count; i++) {
		if (sot_str_eq_c(s, table[i].name)) {
			*ret = i;
			return SOT_OK;
		}
	}
	return sot_fail(err, SOT_INTERNAL, "unknown %s '%.*s'", what, SOT_ARG(s));
}

/* A value found in a generated table, -1 when it was not. */
static sot_code known(const char *what, int found, sot_str s, unsigned *ret, sot_err *err)
{
	if (found < 0)
		return sot_fail(err, SOT_INTERNAL, "unknown %s '%.*s'", what, SOT_ARG(s));
	*ret = (unsigned)found;
	return SOT_OK;
}

#define KEEP(field) (void)shared_keep(field)
#define EMPTY(field) (field) = shared_alone(SOT_STR(""))

/* The shared parts of an app's row, but for its settings'. */
#define EACH_SHARED_OF_APP(row, each)                                                              \
	do {                                                                                           \
		each((row)->image);                                                                        \
		each((row)->plan);                                                                         \
		each((row)->vlan);                                                                         \
		each((row)->version);                                                                      \
		each((row)->team);                                                                         \
		each((row)->health.path);                                                                  \
		each((row)->health.command);                                                               \
	} while (0)

void app_row_init(app_row *row)
{
	EACH_SHARED_OF_APP(row, EMPTY);
	EMPTY(row->settings.version_before);
}

void app_row_copy(app_row *to, const app_row *from)
{
	*to = *from;
	EACH_SHARED_OF_APP(to, KEEP);
	to->command = sot_strdup(from->command);
	to->middleware = from->middleware ? sot_strdup(from->middleware) : NULL;
	to->env = from->env_count ? sot_alloc_array(from->env_count, sizeof(*to->env)) : NULL;
	for (size_t i = 0; i < from->env_count; i++) {
		to->env[i].name = sot_strdup(from->env[i].name);
		to->env[i].value = sot_strdup(from->env[i].value);
	}
	placement_row_copy(&to->placement, &from->placement);
	app_settings_copy(&to->settings, &from->settings);
}

void app_row_clear(app_row *row)
{
	for (size_t i = 0; i < row->env_count; i++) {
		free(row->env[i].name);
		free(row->env[i].value);
	}
	EACH_SHARED_OF_APP(row, shared_drop);
	placement_row_clear(&row->placement);
	app_settings_clear(&row->settings);
	free(row->env);
	free(row->command);
	free(row->middleware);
	row->middleware = NULL;
	row->env = NULL;
	row->env_count = 0;
	row->command = NULL;
}

#define EACH_SHARED_OF_GROUP(row, each)                                                            \
	do {                                                                                           \
		each((row)->version);                                                                      \
		each((row)->environment);                                                                  \
	} while (0)

void group_row_init(group_row *row)
{
	EACH_SHARED_OF_GROUP(row, EMPTY);
}

void group_row_copy(group_row *to, const group_row *from)
{
	*to = *from;
	EACH_SHARED_OF_GROUP(to, KEEP);
}

void group_row_clear(group_row *row)
{
	EACH_SHARED_OF_GROUP(row, shared_drop);
}

enum { ID_DIGITS = 64 };

container_ref container_ref_of(sot_str id)
{
	container_ref c = {.length = ID_DIGITS};

	if (id.n == ID_DIGITS && sot_hex_decode(id, c.bytes, sizeof(c.bytes), NULL) == SOT_OK)
		return c;
	c.length = (uint8_t)(id.n < sizeof(c.bytes) ? id.n : sizeof(c.bytes));
	memset(c.bytes, 0, sizeof(c.bytes));
	if (c.length > 0)
		memcpy(c.bytes, id.p, c.length);
	return c;
}

const char *container_ref_text(const container_ref *c, char dst[static CONTAINER_TEXT])
{
	if (c->length == ID_DIGITS) {
		sot_hex_encode(c->bytes, sizeof(c->bytes), dst);
		return dst;
	}
	memcpy(dst, c->bytes, c->length);
	dst[c->length] = '\0';
	return dst;
}

/* The shared parts of a host's row. */
#define EACH_SHARED_OF_HOST(row, each)                                                             \
	do {                                                                                           \
		each((row)->az);                                                                           \
		each((row)->rack);                                                                         \
		each((row)->class);                                                                        \
		each((row)->tags);                                                                         \
		each((row)->repels);                                                                       \
		each((row)->windows);                                                                      \
		each((row)->rack_windows);                                                                 \
		each((row)->containers);                                                                   \
		each((row)->ignored);                                                                      \
		each((row)->hostname);                                                                     \
		each((row)->agent_version);                                                                \
		each((row)->kernel);                                                                       \
		each((row)->docker_version);                                                               \
		each((row)->reason);                                                                       \
	} while (0)

void host_row_init(host_row *row)
{
	EACH_SHARED_OF_HOST(row, EMPTY);
}

void host_row_copy(host_row *to, const host_row *from)
{
	*to = *from;
	EACH_SHARED_OF_HOST(to, KEEP);
}

void host_row_clear(host_row *row)
{
	EACH_SHARED_OF_HOST(row, shared_drop);
}

void instance_row_copy(instance_row *to, const instance_row *from)
{
	*to = *from;
	KEEP(to->make);
	to->name = shared_alone(sot_str_c(from->name));
}

void instance_row_clear(instance_row *row)
{
	shared_drop(row->make);
	shared_drop(row->name);
}

/* The shared parts of an operation's row. */
#define EACH_SHARED_OF_OPERATION(row, each)                                                        \
	do {                                                                                           \
		each((row)->target);                                                                       \
		each((row)->actor);                                                                        \
		each((row)->key);                                                                          \
		each((row)->reason);                                                                       \
		each((row)->version);                                                                      \
		each((row)->plan);                                                                         \
		each((row)->bandwidth);                                                                    \
		each((row)->image);                                                                        \
		each((row)->group);                                                                        \
		each((row)->to_host);                                                                      \
		each((row)->waits_for);                                                                    \
		each((row)->error);                                                                        \
		each((row)->outcome);                                                                      \
		each((row)->cancelled_by);                                                                 \
	} while (0)

void operation_row_init(operation_row *row)
{
	EACH_SHARED_OF_OPERATION(row, EMPTY);
}

void operation_row_copy(operation_row *to, const operation_row *from)
{
	*to = *from;
	EACH_SHARED_OF_OPERATION(to, KEEP);
	to->spec = sot_strdup(from->spec);
	to->targets = NULL;
	if (from->target_count > 0) {
		to->targets = sot_alloc_array(from->target_count, sizeof(*to->targets));
		memcpy(to->targets, from->targets, from->target_count * sizeof(*to->targets));
	}
}

void operation_row_clear(operation_row *row)
{
	EACH_SHARED_OF_OPERATION(row, shared_drop);
	free(row->spec);
	free(row->targets);
	row->spec = NULL;
	row->targets = NULL;
	row->target_count = 0;
}

void step_row_copy(step_row *to, const step_row *from)
{
	*to = *from;
	KEEP(to->subject);
	KEEP(to->detail);
}

void step_row_clear(step_row *row)
{
	shared_drop(row->subject);
	shared_drop(row->detail);
}

const char *host_state_name(host_state state)
{
	return sot_sm_name(host_states, HOST_STATES, state);
}

const char *instance_state_name(instance_state state)
{
	return sot_sm_name(instance_states, INSTANCE_STATES, state);
}

const char *operation_state_name(operation_state state)
{
	return sot_sm_name(operation_states, OPERATION_STATES, state);
}

const char *operation_kind_name(operation_kind kind)
{
	return word(operation_kinds, COUNT(operation_kinds), kind);
}

const char *step_kind_name(step_kind kind)
{
	return word(step_kinds, COUNT(step_kinds), kind);
}

const char *log_level_name(log_level level)
{
	return word(log_levels, COUNT(log_levels), level);
}

const char *health_name(enum sot_health health)
{
	return sot_health_name(health);
}

const char *desired_name(enum sot_desired_state desired)
{
	return sot_desired_state_name(desired);
}

const char *health_check_name(enum sot_health_check kind)
{
	return sot_health_check_name(kind);
}

/* One strict reader per enum; `lookup` is the search in its table. */
#define PARSER(function, type, lookup)                                                             \
	sot_code function(sot_str text, type *ret, sot_err *err)                                       \
	{                                                                                              \
		unsigned value = 0;                                                                        \
		sot_code code = lookup;                                                                    \
		if (code == SOT_OK)                                                                        \
			*ret = (type)value;                                                                    \
		return code;                                                                               \
	}
#define WORDS(what, table) find(what, table, COUNT(table), text, &value, err)
PARSER(host_state_parse, host_state,
    find_state("host state", host_states, HOST_STATES, text, &value, err))
PARSER(host_duty_parse, host_duty, WORDS("duty", host_duties))
PARSER(loss_proof_parse, loss_proof, WORDS("proof of a loss", loss_proofs))
PARSER(image_state_parse, image_state, WORDS("state of an image", image_states))
PARSER(image_smoke_parse, image_smoke, WORDS("outcome of a smoke test", image_smokes))
PARSER(recovery_parse, enum sot_recovery,
    known("recovery", sot_recovery_find(text), text, &value, err))
PARSER(on_return_parse, enum sot_on_return,
    known("onReturn", sot_on_return_find(text), text, &value, err))
PARSER(scale_pick_parse, enum sot_scale_pick,
    known("pick", sot_scale_pick_find(text), text, &value, err))
PARSER(operation_kind_parse, operation_kind, WORDS("operation kind", operation_kinds))
PARSER(step_kind_parse, step_kind, WORDS("step", step_kinds))
PARSER(health_parse, enum sot_health, known("health", sot_health_find(text), text, &value, err))
PARSER(desired_parse, enum sot_desired_state,
    known("desired state", sot_desired_state_find(text), text, &value, err))
PARSER(health_check_parse, enum sot_health_check,
    known("health check", sot_health_check_find(text), text, &value, err))
PARSER(workload_parse, enum sot_workload,
    known("kind of work", sot_workload_find(text), text, &value, err))
PARSER(exclusive_parse, enum sot_exclusive,
    known("exclusiveness", sot_exclusive_find(text), text, &value, err))
PARSER(instance_state_parse, instance_state,
    find_state("instance state", instance_states, INSTANCE_STATES, text, &value, err))
PARSER(operation_state_parse, operation_state,
    find_state("operation state", operation_states, OPERATION_STATES, text, &value, err))

const char *host_duty_name(host_duty duty)
{
	return word(host_duties, COUNT(host_duties), duty);
}

const char *image_state_name(image_state state)
{
	return word(image_states, COUNT(image_states), state);
}

const char *image_smoke_name(image_smoke smoke)
{
	return word(image_smokes, COUNT(image_smokes), smoke);
}

const char *loss_proof_name(loss_proof proof)
{
	return word(loss_proofs, COUNT(loss_proofs), proof);
}

const char *recovery_name(enum sot_recovery recovery)
{
	return sot_recovery_name(recovery);
}

const char *on_return_name(enum sot_on_return on_return)
{
	return sot_on_return_name(on_return);
}

const char *scale_pick_name(enum sot_scale_pick pick)
{
	return sot_scale_pick_name(pick);
}

bool host_state_may(host_state from, host_state to)
{
	return sot_sm_may(host_states, HOST_STATES, from, to);
}

bool instance_state_may(instance_state from, instance_state to)
{
	return sot_sm_may(instance_states, INSTANCE_STATES, from, to);
}

bool operation_state_may(operation_state from, operation_state to)
{
	return sot_sm_may(operation_states, OPERATION_STATES, from, to);
}

bool operation_state_is_final(operation_state state)
{
	return operation_states[state].final;
}

bool operation_kind_is_bulk(operation_kind kind)
{
	return (kind >= OPERATION_BULK_START && kind <= OPERATION_BULK_MIDDLEWARE) ||
	       kind == OPERATION_HOST_DRAIN || kind == OPERATION_FLEET_REBALANCE;
}

void row_add_i64(sot_buf *out, int64_t v)
{
	char text[20];
	size_t at = sizeof(text);
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (v < 0)
		text[--at] = '-';
	sot_buf_add(out, text + at, sizeof(text) - at);
}

void row_add_member(sot_buf *out, const char *before, uint32_t v)
{
	sot_buf_add_c(out, before);
	row_add_i64(out, v);
}
