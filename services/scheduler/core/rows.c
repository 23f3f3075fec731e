#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "sot_sm.h"

/*
 *   requested -> placed -> creating -> starting -> running
 *                             ^  ^________|  ^______| |
 *                             |______ failed <________|      (and back, when it recovers)
 *   running -> stopping -> stopped -> starting
 *   any but retired -> retiring -> retired
 */
#define BIT SOT_SM_BIT
#define LIVE                                                                                       \
	(BIT(INSTANCE_CREATING) | BIT(INSTANCE_STARTING) | BIT(INSTANCE_RUNNING) |                     \
	    BIT(INSTANCE_STOPPING) | BIT(INSTANCE_STOPPED) | BIT(INSTANCE_FAILED) |                    \
	    BIT(INSTANCE_RETIRING))
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
};

#define ENDS (BIT(OPERATION_DONE) | BIT(OPERATION_FAILED) | BIT(OPERATION_CANCELLED))
static const sot_sm_state operation_states[OPERATION_STATES] = {
    [OPERATION_QUEUED] = {"queued", BIT(OPERATION_RUNNING) | ENDS, false},
    [OPERATION_RUNNING] = {"running", ENDS, false},
    [OPERATION_DONE] = {"done", 0, true},
    [OPERATION_FAILED] = {"failed", 0, true},
    [OPERATION_CANCELLED] = {"cancelled", 0, true},
};

static const char *const host_states[HOST_STATES] = {
    "registered", "online", "suspect", "agent_lost", "docker_sick", "retired"};
static const char *const operation_kinds[OPERATION_KINDS] = {"app.create", "app.scale",
    "app.delete", "app.deploy", "instance.start", "instance.stop", "instance.restart",
    "instance.retire", "package.register", "image.register", "host.register", "host.cordon",
    "host.uncordon", "operation.cancel"};
static const char *const step_kinds[STEP_KINDS] = {
    "place", "address", "start", "healthy", "deploy", "stop", "restart", "remove", "release"};
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

void app_row_copy(app_row *to, const app_row *from)
{
	*to = *from;
	to->command = sot_strdup(from->command);
	to->env = from->env_count ? sot_alloc_array(from->env_count, sizeof(*to->env)) : NULL;
	for (size_t i = 0; i < from->env_count; i++) {
		to->env[i].name = sot_strdup(from->env[i].name);
		to->env[i].value = sot_strdup(from->env[i].value);
	}
}

void app_row_clear(app_row *row)
{
	for (size_t i = 0; i < row->env_count; i++) {
		free(row->env[i].name);
		free(row->env[i].value);
	}
	free(row->env);
	free(row->command);
	row->env = NULL;
	row->env_count = 0;
	row->command = NULL;
}

void instance_row_copy(instance_row *to, const instance_row *from)
{
	*to = *from;
	to->image = sot_strdup(from->image);
	to->error = sot_strdup(from->error);
}

void instance_row_clear(instance_row *row)
{
	free(row->image);
	free(row->error);
	row->image = row->error = NULL;
}

void operation_row_copy(operation_row *to, const operation_row *from)
{
	*to = *from;
	to->spec = sot_strdup(from->spec);
}

void operation_row_clear(operation_row *row)
{
	free(row->spec);
	row->spec = NULL;
}

const char *host_state_name(host_state state)
{
	return word(host_states, COUNT(host_states), state);
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
PARSER(host_state_parse, host_state, WORDS("host state", host_states))
PARSER(operation_kind_parse, operation_kind, WORDS("operation kind", operation_kinds))
PARSER(step_kind_parse, step_kind, WORDS("step", step_kinds))
PARSER(health_parse, enum sot_health, known("health", sot_health_find(text), text, &value, err))
PARSER(desired_parse, enum sot_desired_state,
    known("desired state", sot_desired_state_find(text), text, &value, err))
PARSER(health_check_parse, enum sot_health_check,
    known("health check", sot_health_check_find(text), text, &value, err))
PARSER(instance_state_parse, instance_state,
    find_state("instance state", instance_states, INSTANCE_STATES, text, &value, err))
PARSER(operation_state_parse, operation_state,
    find_state("operation state", operation_states, OPERATION_STATES, text, &value, err))

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
