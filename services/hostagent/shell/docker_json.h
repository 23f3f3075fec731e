/* docker_json - the Docker Engine's documents, written and read. Pure. API version 1.41.
 * Source: https://docs.docker.com/engine/api/v1.41/
 */
#ifndef HOSTAGENT_DOCKER_JSON_H
#define HOSTAGENT_DOCKER_JSON_H

#include "reconcile.h"

/* What a container is made with, besides its spec. */
typedef struct docker_json_setup {
	const char *state_dir;
	uint64_t epoch;
	cpus processors; /* to bind it to; empty: all */
} docker_json_setup;
/* Body of POST /containers/create. */
sot_code docker_json_create(const sot_instance_spec *spec, const docker_json_setup *setup,
    sot_buf *out, sot_err *err) SOT_CHECK;
/* Body of POST /containers/{id}/update. */
sot_code docker_json_limits(
    const sot_instance_spec *spec, const cpus *processors, sot_buf *out, sot_err *err) SOT_CHECK;

/* GET /containers/{id}/json. ret_instance is the label sot.instance; SOT_INVALID when the container
 * has none or the document is not one. */
sot_code docker_json_inspect(
    sot_str body, sot_uuid *ret_instance, container_facts *ret, sot_err *err) SOT_CHECK;

/* GET /containers/json. One call of `each` per container. */
typedef struct docker_json_item {
	bool is_ours; /* it has a name of this platform, that of `instance` */
	sot_uuid instance;
	const char *container_id, *state; /* "running", "exited", "created", "dead" ... */
	int64_t created_unix_s;           /* 0: not told */
	const char *name, *image;         /* "" when they are not told */
	const char *instance_name, *app;  /* by its labels; "" */
	uint64_t generation;              /* by its label; 0 */
} docker_json_item;
typedef void (*docker_json_each_fn)(void *self, const docker_json_item *item);
sot_code docker_json_list(
    sot_str body, docker_json_each_fn each, void *self, sot_err *err) SOT_CHECK;

/* The member Version of GET /version into dst; untouched when it is absent or too long. */
void docker_json_version(sot_str body, char *dst, size_t size);

/* One line of GET /events; false when it names no instance. */
bool docker_json_event(sot_str line, sot_uuid *ret_instance);

/* The stream of POST /images/create ends with 200 even when it failed: SOT_UNAVAILABLE with the
 * Engine's words when a line holds an error. */
sot_code docker_json_pull(sot_str body, sot_err *err) SOT_CHECK;

/* Joins the frames of GET /containers/{id}/logs to plain text of at most max bytes in whole lines:
 * its newest part, or its oldest, after whose last line one may read on. A last frame that is not
 * whole is left out. True when something was. */
typedef enum docker_logs_part { DOCKER_LOGS_NEWEST, DOCKER_LOGS_OLDEST } docker_logs_part;
bool docker_json_logs(sot_str body, size_t max, docker_logs_part part, sot_buf *out);

/* "2026-11-22T08:49:33.120999Z" to unix ms; 0 for the Engine's zero time or nonsense. */
int64_t docker_json_time(const char *text);

#endif
