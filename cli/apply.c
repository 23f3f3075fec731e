/* Manifests against what there is. */
#include "apply.h"

#include "cli.h"

#include <string.h>

typedef enum field_kind {
	OF_CREATION, /* fixed once the app is made */
	BY_UPDATE,   /* PUT /v1/apps/{name} */
	BY_ACTION,   /* a route of its own */
	OF_ACTION,   /* goes with an action; nothing by itself */
} field_kind;

typedef struct field {
	const char *name, *of_app; /* what GET calls it */
	field_kind kind;
} field;

/* In the order in which changes are carried out. */
static const field fields[] = {
    {"image", "image", OF_CREATION},
    {"vlan", "vlan", OF_CREATION},
    {"command", "command", OF_CREATION},
    {"health", "health", OF_CREATION},
    {"env", "env", OF_CREATION},
    {"team", "team", BY_UPDATE},
    {"placement", "placement", BY_UPDATE},
    {"recovery", "recovery", BY_ACTION},
    {"onReturn", "onReturn", BY_ACTION},
    {"plan", "plan", BY_ACTION},
    {"version", "version", BY_ACTION},
    {"count", "wanted", BY_ACTION},
    {"strategy", NULL, OF_ACTION},
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static const field *field_of(const char *name)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

sot_code apply_check(const json_t *manifest, sot_err *err)
{
	const char *names[FIELD_COUNT + 1], *name, *nearest;
	json_t *value;
	if (!json_is_object(manifest))
		return sot_fail(
		    err, SOT_INVALID, "a manifest is a mapping of fields such as name, image, plan");
	if (!json_is_string(json_object_get(manifest, "name")))
		return sot_fail(err, SOT_INVALID, "the manifest has no name: name: shop");
	for (size_t i = 0; i < FIELD_COUNT; i++)
		names[i] = fields[i].name;
	json_object_foreach((json_t *)(uintptr_t)manifest, name, value)
	{
		if (strcmp(name, "name") == 0 || field_of(name) != NULL)
			continue;
		nearest = strcmp(name, "wanted") == 0 ? "count" : cli_nearest(name, names, FIELD_COUNT);
		return sot_fail(err, SOT_INVALID, "there is no field '%s'%s%s%s", name,
		    nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
		    nearest != NULL ? "'?" : "");
	}
	return SOT_OK;
}

/* Whether all that is wanted is so already: the server fills in what was left out. */
static bool has(const json_t *now, const json_t *wanted)
{
	const char *name;
	json_t *value;
	if (json_is_object(wanted)) {
		json_object_foreach((json_t *)(uintptr_t)wanted, name, value)
		{
			if (!has(json_object_get(now, name), value))
				return false;
		}
		return true;
	}
	if (json_is_array(wanted)) {
		if (json_array_size(now) != json_array_size(wanted))
			return false;
		for (size_t i = 0; i < json_array_size(wanted); i++)
			if (!has(json_array_get(now, i), json_array_get(wanted, i)))
				return false;
		return true;
	}
	/* Left out and empty are the same of a text. */
	if (now == NULL && json_is_string(wanted))
		return json_string_length(wanted) == 0;
	return json_equal((json_t *)(uintptr_t)now, (json_t *)(uintptr_t)wanted) == 1;
}

sot_code apply_diff(const json_t *manifest, const json_t *app, json_t **ret_changes, sot_err *err)
{
	json_t *changes = json_array();
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const json_t *wanted = json_object_get(manifest, fields[i].name);
		json_t *now = fields[i].of_app != NULL ? json_object_get(app, fields[i].of_app) : NULL;
		if (wanted == NULL || fields[i].kind == OF_ACTION || has(now, wanted))
			continue;
		if (fields[i].kind == OF_CREATION) {
			json_decref(changes);
			return sot_fail(err, SOT_CONFLICT,
			    "'%s' cannot be changed once an app is made; leave it as it is, or make another "
			    "app",
			    fields[i].name);
		}
		(void)json_array_append_new(
		    changes, json_pack("{s:s, s:o, s:O}", "field", fields[i].name, "now",
		                 now != NULL ? json_incref(now) : json_null(), "wanted", wanted));
	}
	*ret_changes = changes;
	return SOT_OK;
}

json_t *apply_manifest_of(const json_t *app)
{
	json_t *manifest = json_object();
	(void)json_object_set(manifest, "name", json_object_get(app, "name"));
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		json_t *value = fields[i].of_app != NULL ? json_object_get(app, fields[i].of_app) : NULL;
		bool is_empty = value == NULL || json_is_null(value) ||
		                (json_is_string(value) && json_string_length(value) == 0) ||
		                (json_is_array(value) && json_array_size(value) == 0);
		if (!is_empty)
			(void)json_object_set(manifest, fields[i].name, value);
	}
	return manifest;
}

json_t *apply_create_body(const json_t *manifest)
{
	json_t *body = json_copy((json_t *)(uintptr_t)manifest);
	(void)json_object_del(body, "recovery");
	(void)json_object_del(body, "onReturn");
	(void)json_object_del(body, "strategy");
	return body;
}

json_t *apply_update_body(const json_t *manifest, const json_t *app)
{
	json_t *body = json_object(), *team = json_object_get(manifest, "team"),
	       *placement = json_deep_copy(json_object_get(app, "placement"));
	if (!json_is_object(placement)) {
		json_decref(placement);
		placement = json_object();
	}
	(void)json_object_set(body, "team", team != NULL ? team : json_object_get(app, "team"));
	(void)json_object_update(placement, json_object_get(manifest, "placement"));
	(void)json_object_set_new(body, "placement", placement);
	return body;
}
