/* apply - what a manifest of an app would change. Pure.
 *
 * A manifest has the fields of POST /v1/apps, and recovery, onReturn and strategy. What it does not
 * name is left as it is.
 */
#ifndef CLI_APPLY_H
#define CLI_APPLY_H

#include "sot_err.h"

#include <jansson.h>

/* Whether the manifest is an object with a name and fields that exist; what they hold is the API's
 * matter. `err` names the field. */
sot_code apply_check(const json_t *manifest, sot_err *err) SOT_CHECK;
/* What differs between the app as GET /v1/apps/{name} shows it and the manifest: a list of
 * {"field","now","wanted"} in the order in which it is carried out, empty when nothing does;
 * release with json_decref(). SOT_CONFLICT: a field differs that cannot be changed; `err` says
 * which. */
sot_code apply_diff(
    const json_t *manifest, const json_t *app, json_t **ret_changes, sot_err *err) SOT_CHECK;
/* The manifest of an app as GET /v1/apps/{name} shows it: applied, it changes nothing. */
json_t *apply_manifest_of(const json_t *app);
/* The body of POST /v1/apps. */
json_t *apply_create_body(const json_t *manifest);
/* The body of PUT /v1/apps/{name}: what the app has, with what the manifest names. */
json_t *apply_update_body(const json_t *manifest, const json_t *app);

#endif
