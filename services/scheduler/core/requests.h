/* requests - how a handler of a gateway's request answers it. Private to core/. */
#ifndef SCHEDULER_REQUESTS_H
#define SCHEDULER_REQUESTS_H

#include "parts.h"
#include "validate.h"

typedef struct request {
	controller *c;
	const controller_peer *from;
	bool answered;
} request;

void request_refuse(request *q, uint64_t request_id, const problem *p);
/* What was asked; nothing was changed. Refuses instead what is too long. */
#define ANSWER_MAX 983040
void request_answer(request *q, uint64_t request_id, sot_str etag, const sot_buf *body);
/* Answers a repeated key (the same again, or key_reused) and returns true; false for a new one. */
bool request_is_replay(request *q, uint64_t request_id, const sot_request_context *context);

/* What is accepted. `spec` is a JSON object, cleared by the call. */
typedef struct acceptance {
	uint64_t request_id;
	const sot_request_context *context;
	operation_kind kind;
	app *app; /* NULL for none */
	sot_str target;
	sot_uuid resource_id; /* zero: the operation itself */
	sot_buf *spec;
	uint32_t count;
	sot_str version;
	sot_str to_host;
	sot_str plan, bandwidth, image, group;
	enum sot_scale_pick pick;
} acceptance;
/* Makes the operation and its audit row and puts it in its queue; nobody waits for a reply. */
operation *operation_accept(controller *c, const acceptance *a);
/* Makes the operation, its audit row and the reply, and puts it in its queue. */
operation *request_accept(request *q, const acceptance *a);

/* The app of a request, ready for a change; NULL after a refusal. */
app *request_app(request *q, uint64_t request_id, sot_str name);
/* The live instance of that name or id, NULL when there is none. */
instance *request_instance(controller *c, sot_str text);
/* The app of a request, ready for a change; NULL after a refusal. */
app *request_app(request *q, uint64_t request_id, sot_str name);

/* The handlers of where things run (requests_hosts.c). */
void on_instance_move(void *self, const void *from, const sot_instance_move *m);
void on_app_set_recovery(void *self, const void *from, const sot_app_set_recovery *m);
void on_host_declare_lost(void *self, const void *from, const sot_host_declare_lost *m);
void on_host_evacuate(void *self, const void *from, const sot_host_evacuate *m);
/* ... of emptying hosts (requests_drain.c). */
void on_host_drain(void *self, const void *from, const sot_host_drain *m);
/* ... of the windows of machines (requests_windows.c). */
void on_host_maintenance(void *self, const void *from, const sot_host_maintenance *m);
/* ... of containers that no assignment knows (requests_containers.c). */
void on_host_container(void *self, const void *from, const sot_host_container *m);
/* What is said of that rack, "" for nothing; lives with its hosts. */
const char *rack_windows(const controller *c, sot_str rack);
void on_host_retire(void *self, const void *from, const sot_host_retire *m);
void on_host_brake_release(void *self, const void *from, const sot_host_brake_release *m);

/* The handlers of things that are registered (requests_catalog.c). */
void on_package_register(void *self, const void *from, const sot_package_register *m);
void on_host_register(void *self, const void *from, const sot_host_register *m);
void on_host_set_schedulable(void *self, const void *from, const sot_host_set_schedulable *m);

/* ---- requests_images.c ---- */
/* Instances can be made of the image of that name. */
bool request_check_plan(const controller *c, sot_str plan, problem *p);
bool request_check_image(const controller *c, sot_str name, problem *p);
void on_image_register(void *self, const void *from, const sot_image_register *m);
void on_image_add(void *self, const void *from, const sot_image_add *m);
void on_image_act(void *self, const void *from, const sot_image_act *m);

/* ---- requests_rules.c ---- */
void on_app_update(void *self, const void *from, const sot_app_update *m);
void on_host_set(void *self, const void *from, const sot_host_set *m);
/* The host's row gets what its class says. */
void requests_apply_class(controller *c, host *h);

/* ---- requests_tables.c ---- */
void on_host_class_set(void *self, const void *from, const sot_host_class_set *m);
void on_plan_set(void *self, const void *from, const sot_plan_set *m);
void on_team_set(void *self, const void *from, const sot_team_set *m);
void on_mixing_set(void *self, const void *from, const sot_mixing_set *m);
void on_catalogue_delete(void *self, const void *from, const sot_catalogue_delete *m);
/* The handlers of changes in place (requests_sizes.c). */
void on_app_resize(void *self, const void *from, const sot_app_resize *m);
void on_instance_resize(void *self, const void *from, const sot_instance_resize *m);
void on_app_rebuild(void *self, const void *from, const sot_app_rebuild *m);
void on_group_set(void *self, const void *from, const sot_group_set *m);
void on_group_delete(void *self, const void *from, const sot_group_delete *m);
void on_group_move(void *self, const void *from, const sot_group_move *m);
/* The group of that name; "" is none, and right. False: it was refused. */
bool request_group(request *q, uint64_t request_id, const app *a, sot_str name, const group **ret);
/* ---- requests_settings.c ---- */
/* Whether each of them is a maintenance window; the problem points at `/windows/N`. */
bool requests_check_windows(const sot_str *windows, size_t count, problem *p);
/* One text with that between them; NULL for none, free() it. */
char *requests_join(const sot_str *words, size_t count, char separator);
void on_app_set(void *self, const void *from, const sot_app_set *m);
void on_app_middleware(void *self, const void *from, const sot_app_middleware *m);
/* package_register of a middleware package; not a replay. */
void middleware_register(request *q, const sot_package_register *m);
/* What the message says of a version, without its app and origin; the origin, free() it. */
version_row package_version_of(controller *c, const sot_package_register *m);
char *package_origin_of(const sot_package_register *m);

/* ---- requests_rollout.c ---- */
void on_app_deploy(void *self, const void *from, const sot_app_deploy *m);
void on_rollout_act(void *self, const void *from, const sot_rollout_act *m);
bool rollout_check_strategy(operation_kind kind, const sot_rollout_strategy *s, problem *p);
/* Whether the rollout is to be carried out. Otherwise it was answered: a strategy that cannot be,
 * or a dry run. `to` is what it would roll out. */
bool rollout_goes_on(request *q, uint64_t request_id, const app *a, const group *g,
    operation_kind kind, const sot_rollout_strategy *strategy, bool dry_run, sot_str to);

/* False, with the problem, when too many operations are open, or wait for the app (NULL: none). */
bool request_has_room(const controller *c, const app *a, size_t wanted, problem *p);
/* A live instance by name or id, NULL when none. */
instance *request_instance(controller *c, sot_str text);

/* ---- bulk_middleware.c: middleware for many apps ---- */
/* Why the app is left alone; NULL when it is to get the package. */
const char *bulk_middleware_skips(const app *a, const sot_operation_bulk *m, char dst[static 160]);
/* Whether the selectors take it; not asked of apps that are named. */
bool bulk_middleware_selects(const app *a, const sot_operation_bulk *m);
bool bulk_middleware_check(const controller *c, const sot_operation_bulk *m, problem *p);

/* Operations on many targets, and again (requests_bulk.c, requests_retry.c). */
void on_operation_bulk(void *self, const void *from, const sot_operation_bulk *m);
void on_operation_retry(void *self, const void *from, const sot_operation_retry *m);

void on_middleware_retention(void *self, const void *from, const sot_middleware_retention *m);
/* ---- requests_elastic.c ---- */
void on_elastic_set(void *self, const void *from, const sot_elastic_set *m);
void on_elastic_delete(void *self, const void *from, const sot_elastic_delete *m);
void on_elastic_value(void *self, const void *from, const sot_elastic_value *m);

/* ---- requests_forecast.c ---- */
void on_what_if(void *self, const void *from, const sot_what_if *m);
void on_capacity_read(void *self, const void *from, const sot_capacity_read *m);
void on_rebalance_read(void *self, const void *from, const sot_rebalance_read *m);
void on_fleet_rebalance(void *self, const void *from, const sot_fleet_rebalance *m);

/* ---- requests_relay.c ---- */
void on_logs_read(void *self, const void *from, const sot_logs_read *m);
void on_usage_read(void *self, const void *from, const sot_usage_read *m);
void on_inside_read(void *self, const void *from, const sot_inside_read *m);

#endif
