/* A batch as SQL: one statement per table, arrays by column. */
#include "internal.h"
#include "write_columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sot_parse.h"

void write_item_resolvers(store_tx *tx, const vlan_facts *net)
{
	char address[SOT_IP_TEXT];
	SOT_AUTO_BUF list = {0};

	sot_buf_init(&list, (DNS_MAX + 1) * SOT_IP_TEXT);
	sot_buf_add_c(&list, "{");
	for (size_t k = 0; k < net->dns_count; k++)
		sot_buf_printf(&list, "%s%s", k ? "," : "", sot_ip_format(net->dns[k], address));
	sot_buf_add_c(&list, "}");
	store_item_str(tx, sot_buf_str(&list));
}

static void item_mac(store_tx *tx, const instance_row *row)
{
	char mac[18];

	item_c(tx, !sot_ip_is_none(row->v4.address) ? sot_format_mac(row->mac.b, mac) : "");
}

void app_health_json(const app_row *row, sot_buf *json)
{
	const health_row *h = &row->health;

	sot_buf_add_c(json, "{\"kind\":\"");
	sot_buf_add_c(json, health_check_name(h->kind));
	row_add_member(json, "\",\"port\":", h->port);
	sot_buf_add_c(json, ",\"path\":");
	sot_buf_add_json(json, sot_str_c(h->path));
	sot_buf_add_c(json, ",\"command\":");
	sot_buf_add_json(json, sot_str_c(h->command));
	row_add_member(json, ",\"intervalMs\":", h->interval_ms);
	row_add_member(json, ",\"timeoutMs\":", h->timeout_ms);
	row_add_member(json, ",\"healthyAfter\":", h->healthy_after);
	row_add_member(json, ",\"unhealthyAfter\":", h->unhealthy_after);
	row_add_member(json, ",\"startPeriodMs\":", h->start_period_ms);
	row_add_member(json, ",\"restartAfter\":", h->restart_after);
	sot_buf_add_char(json, '}');
}

void app_env_json(const app_row *row, sot_buf *json)
{
	sot_buf_add_c(json, "[");
	for (size_t k = 0; k < row->env_count; k++) {
		sot_buf_add_c(json, k ? ",{\"name\":" : "{\"name\":");
		sot_buf_add_json(json, sot_str_c(row->env[k].name));
		sot_buf_add_c(json, ",\"value\":");
		sot_buf_add_json(json, sot_str_c(row->env[k].value));
		sot_buf_add_c(json, "}");
	}
	sot_buf_add_c(json, "]");
}

void app_placement_json(const app_row *row, sot_buf *json)
{
	placement_row_json(&row->placement, json);
}

static void json_column(
    store_tx *tx, const app_row **r, size_t n, void (*say)(const app_row *row, sot_buf *json))
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, SOT_WIRE_FRAME_MAX);
	store_arg_array_begin(tx);
	for (size_t k = 0; k < n; k++) {
		sot_buf_reset(&json);
		say(r[k], &json);
		store_item_str(tx, sot_buf_str(&json));
	}
	store_arg_array_end(tx);
}

static void write_plans(store_tx *tx, const plan_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_PLANS, NULL, NULL);
	VALUES(r, n, item_c, row->name);
	VALUES(r, n, item_u64, row->cpu_milli);
	VALUES(r, n, item_u64, row->memory_bytes);
	VALUES(r, n, item_u64, row->disk_bytes);
	VALUES(r, n, item_u64, row->bandwidth_kbit);
	VALUES(r, n, store_item_bool, row->cpu_pinned);
	VALUES(r, n, item_u64, row->pids_max);
	VALUES(r, n, item_u64, row->io_weight);
}

static void write_teams(store_tx *tx, const team_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_TEAMS, NULL, NULL);
	VALUES(r, n, item_c, row->name);
	VALUES(r, n, item_u64, row->cpu_milli);
	VALUES(r, n, item_u64, row->memory_bytes);
	VALUES(r, n, item_u64, row->disk_bytes);
	VALUES(r, n, item_u64, row->instances);
}

static void write_host_classes(store_tx *tx, const host_class_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_HOST_CLASSES, NULL, NULL);
	VALUES(r, n, item_c, row->name);
	VALUES(r, n, item_u64, row->cpu_overcommit_permille);
	VALUES(r, n, item_u64, row->memory_overcommit_permille);
	VALUES(r, n, item_u64, row->disk_overcommit_permille);
	VALUES(r, n, item_u64, row->reserve_cpu_milli);
	VALUES(r, n, item_u64, row->reserve_memory_bytes);
	VALUES(r, n, item_u64, row->reserve_disk_bytes);
	VALUES(r, n, item_u64, row->max_instances);
	VALUES(r, n, item_u64, row->max_starts);
}

static void write_mixing(store_tx *tx, const mixing_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_DELETE_MIXING, NULL, NULL);
	store_query(tx, SCHEDULER_SQL_WRITE_MIXING, NULL, NULL);
	VALUES(r, n, item_c, sot_workload_name(row->workload));
	VALUES(r, n, item_c, sot_workload_name(row->beside));
	VALUES(r, n, item_u64, row->at_most);
}

/* The small tables, before what refers to them. */
static void write_small_tables(store_tx *tx, const controller_batch *b)
{
	if (b->rewrites.plans)
		write_plans(tx, b->plans, b->plan_count);
	if (b->rewrites.teams)
		write_teams(tx, b->teams, b->team_count);
	if (b->rewrites.host_classes)
		write_host_classes(tx, b->host_classes, b->host_class_count);
	if (b->rewrites.mixing)
		write_mixing(tx, b->mixing, b->mixing_count);
}

/* What is gone of them, after what referred to it. */
static void prune_small_tables(store_tx *tx, const controller_batch *b)
{
	if (b->rewrites.plans) {
		store_query(tx, SCHEDULER_SQL_PRUNE_PLANS, NULL, NULL);
		VALUES(b->plans, b->plan_count, item_c, row->name);
	}
	if (b->rewrites.teams) {
		store_query(tx, SCHEDULER_SQL_PRUNE_TEAMS, NULL, NULL);
		VALUES(b->teams, b->team_count, item_c, row->name);
	}
	if (b->rewrites.host_classes) {
		store_query(tx, SCHEDULER_SQL_PRUNE_HOST_CLASSES, NULL, NULL);
		VALUES(b->host_classes, b->host_class_count, item_c, row->name);
	}
}

static void item_targets(store_tx *tx, const operation_row *row)
{
	char id[SOT_UUID_TEXT];
	SOT_AUTO_BUF list = {0};

	sot_buf_init(&list, (row->target_count + 1) * SOT_UUID_TEXT);
	sot_buf_add_c(&list, "{");
	for (size_t k = 0; k < row->target_count; k++)
		sot_buf_printf(&list, "%s%s", k ? "," : "", sot_uuid_format(row->targets[k], id));
	sot_buf_add_c(&list, "}");
	store_item_str(tx, sot_buf_str(&list));
}

static void write_hosts(store_tx *tx, const host_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_HOSTS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, row->az);
	COLUMN(r, n, item_c, row->rack);
	COLUMN(r, n, item_c, row->tags);
	COLUMN(r, n, item_c, row->public_key);
	COLUMN(r, n, store_item_bool, row->revoked);
	COLUMN(r, n, store_item_bool, row->schedulable);
	COLUMN(r, n, item_c, host_state_name(row->state));
	COLUMN(r, n, item_u64, row->generation);
	COLUMN(r, n, item_c, row->boot_id);
	COLUMN(r, n, item_c, row->agent_version);
	COLUMN(r, n, item_c, row->hostname);
	COLUMN(r, n, item_c, row->kernel);
	COLUMN(r, n, item_c, row->docker_version);
	COLUMN(r, n, item_u64, row->cpu_milli);
	COLUMN(r, n, item_u64, row->memory_bytes);
	COLUMN(r, n, item_u64, row->disk_bytes);
	COLUMN(r, n, item_u64, row->booked_cpu_milli);
	COLUMN(r, n, item_u64, row->booked_memory_bytes);
	COLUMN(r, n, item_u64, row->booked_disk_bytes);
	COLUMN(r, n, item_u64, row->unknown_containers);
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->seen_unix_ms);
	COLUMN(r, n, item_c, row->class);
	COLUMN(r, n, item_c, row->repels);
	COLUMN(r, n, item_u64, row->cpu_overcommit_permille);
	COLUMN(r, n, item_u64, row->memory_overcommit_permille);
	COLUMN(r, n, item_u64, row->disk_overcommit_permille);
	COLUMN(r, n, item_u64, row->reserve_cpu_milli);
	COLUMN(r, n, item_u64, row->reserve_memory_bytes);
	COLUMN(r, n, item_u64, row->reserve_disk_bytes);
	COLUMN(r, n, item_u64, row->max_instances);
	COLUMN(r, n, item_u64, row->booked_instances);
	COLUMN(r, n, item_c, host_duty_name(row->duty));
	COLUMN(r, n, store_item_ip, row->address);
	COLUMN(r, n, item_c, row->reason);
	COLUMN(r, n, item_c, loss_proof_name(row->lost_by));
	COLUMN(r, n, store_item_i64, row->lost_unix_ms);
	COLUMN(r, n, item_c, row->windows);
	COLUMN(r, n, item_c, row->rack_windows);
	COLUMN(r, n, item_c, row->containers);
	COLUMN(r, n, item_c, row->ignored);
}

static const char *text_of(const char *text)
{
	return text != NULL ? text : "";
}

static void write_app_settings(store_tx *tx, const app_row **r, size_t n)
{
	COLUMN(r, n, item_c, text_of(row->settings.labels));
	COLUMN(r, n, item_c, text_of(row->settings.windows));
	COLUMN(r, n, item_c, text_of(row->settings.opt_outs));
	COLUMN(r, n, item_c, text_of(row->settings.middleware_before));
	COLUMN(r, n, item_c, row->settings.version_before);
	COLUMN(r, n, item_u64, row->settings.keep_versions);
	COLUMN(r, n, item_u64, row->settings.keep_days);
}

void app_columns(store_tx *tx, const app_row **r, size_t n)
{
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, row->image);
	COLUMN(r, n, item_c, row->plan);
	COLUMN(r, n, item_c, row->vlan);
	COLUMN(r, n, item_c, row->command);
}

void app_policy_columns(store_tx *tx, const app_row **r, size_t n)
{
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
	COLUMN(r, n, item_c, row->team);
	COLUMN(r, n, item_c, recovery_name(row->recovery));
	COLUMN(r, n, item_c, on_return_name(row->on_return));
}

void write_apps(store_tx *tx, const app_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_APPS, NULL, NULL);
	app_columns(tx, r, n);
	app_policy_columns(tx, r, n);
	json_column(tx, r, n, app_health_json);
	json_column(tx, r, n, app_env_json);
	json_column(tx, r, n, app_placement_json);
	COLUMN(r, n, item_c, row->version);
	COLUMN(r, n, store_item_bool, row->deleting);
	COLUMN(r, n, item_c, row->middleware != NULL ? row->middleware : "");
	write_app_settings(tx, r, n);
}

void group_columns(store_tx *tx, const group_row **r, size_t n)
{
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, store_item_uuid, row->app_id);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_u64, row->next_number);
}

void write_groups(store_tx *tx, const group_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_GROUPS, NULL, NULL);
	group_columns(tx, r, n);
	COLUMN(r, n, item_c, row->version);
	COLUMN(r, n, item_c, row->environment);
	COLUMN(r, n, store_item_bool, row->deleted);
}

void network_columns(store_tx *tx, const instance_row **r, size_t n)
{
	COLUMN(r, n, item_c, row->make->vlan);
	COLUMN(r, n, item_u64, row->make->net->vrf);
	COLUMN(r, n, item_u64, row->make->net->mtu);
	COLUMN(r, n, store_item_bool, row->make->net->isolated);
	COLUMN(r, n, write_item_resolvers, row->make->net);
	COLUMN(r, n, item_c, row->make->net->dns_search);
}

void write_instances(store_tx *tx, const instance_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_INSTANCES, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, store_item_uuid, row->make->app_id);
	COLUMN(r, n, store_item_uuid, row->make->group_id);
	COLUMN(r, n, item_u64, row->number);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, instance_state_name(row->state));
	COLUMN(r, n, item_c, health_name(row->health));
	COLUMN(r, n, item_c, desired_name(row->desired));
	COLUMN(r, n, item_u64, row->generation);
	COLUMN(r, n, item_u64, row->restart_seq);
	COLUMN(r, n, item_id, row->host_id);
	COLUMN(r, n, store_item_ip, row->v4.address);
	COLUMN(r, n, item_u64, way_of(row, &row->v4)->prefix);
	COLUMN(r, n, store_item_ip, way_of(row, &row->v4)->gateway);
	COLUMN(r, n, item_u64, row->make->net->vlan_id);
	COLUMN(r, n, item_mac, row);
	COLUMN(r, n, item_u64, row->v4.generation);
	COLUMN(r, n, item_u64, row->make->cpu_milli);
	COLUMN(r, n, item_u64, row->make->memory_bytes);
	COLUMN(r, n, item_u64, row->make->disk_bytes);
	COLUMN(r, n, item_c, row->make->image);
	COLUMN(r, n, item_c, row->make->version);
	COLUMN(r, n, item_u64, row->observed_generation);
	COLUMN(r, n, item_u64, row->observed_restart_seq);
	COLUMN(r, n, item_c, row->make->observed_version);
	COLUMN(r, n, item_container, &row->container);
	COLUMN(r, n, item_u64, row->restarts);
	COLUMN(r, n, item_c, row->make->error);
	COLUMN(r, n, store_item_i64, row->started_unix_ms);
	COLUMN(r, n, store_item_i64, row->observed_unix_ms);
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
	network_columns(tx, r, n);
	COLUMN(r, n, store_item_ip, row->v6.address);
	COLUMN(r, n, item_u64, way_of(row, &row->v6)->prefix);
	COLUMN(r, n, store_item_ip, way_of(row, &row->v6)->gateway);
	COLUMN(r, n, item_u64, row->v6.generation);
	COLUMN(r, n, item_u64, row->make->bandwidth_kbit);
	COLUMN(r, n, item_u64, row->make->net->settings);
	COLUMN(r, n, item_id, row->moving_to);
	COLUMN(r, n, item_c, row->make->plan);
	COLUMN(r, n, item_u64, row->rebuild_seq);
	COLUMN(r, n, item_id, row->decision_id);
	COLUMN(r, n, store_item_bool, row->make->bandwidth_own);
	COLUMN(r, n, item_c, row->make->middleware);
}

void write_operations(store_tx *tx, const operation_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_OPERATIONS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, item_c, operation_kind_name(row->kind));
	COLUMN(r, n, item_id, row->app_id);
	COLUMN(r, n, item_c, row->target);
	COLUMN(r, n, item_c, row->actor);
	COLUMN(r, n, item_c, row->key);
	COLUMN(r, n, item_digest, row->request_sha256);
	COLUMN(r, n, store_item_uuid, row->resource_id);
	COLUMN(r, n, item_c, row->spec);
	COLUMN(r, n, item_c, operation_state_name(row->state));
	COLUMN(r, n, item_c, row->waits_for);
	COLUMN(r, n, item_u64, row->progress_done);
	COLUMN(r, n, item_u64, row->progress_total);
	COLUMN(r, n, item_c, row->error);
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
	COLUMN(r, n, store_item_i64, row->finished_unix_ms);
	COLUMN(r, n, item_c, row->reason);
	COLUMN(r, n, item_id, row->parent_id);
	COLUMN(r, n, item_id, row->retry_of);
	COLUMN(r, n, item_u64, row->position);
	COLUMN(r, n, item_targets, row);
	COLUMN(r, n, item_u64, row->parallel);
	COLUMN(r, n, item_u64, row->failures_max);
	COLUMN(r, n, item_u64, row->children.total);
	COLUMN(r, n, item_u64, row->children.done);
	COLUMN(r, n, item_u64, row->children.failed);
	COLUMN(r, n, item_u64, row->children.cancelled);
	COLUMN(r, n, item_c, row->outcome);
	COLUMN(r, n, item_c, row->cancelled_by);
	COLUMN(r, n, store_item_i64, row->started_unix_ms);
}

static void write_bookings(store_tx *tx, const host_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_BOOKINGS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, item_u64, row->generation);
	COLUMN(r, n, item_u64, row->booked_cpu_milli);
	COLUMN(r, n, item_u64, row->booked_memory_bytes);
	COLUMN(r, n, item_u64, row->booked_disk_bytes);
	COLUMN(r, n, item_u64, row->booked_instances);
}

static void write_events(store_tx *tx, const event_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_EMIT, NULL, NULL);
	VALUES(r, n, item_c, row->kind);
	VALUES(r, n, item_c, row->subject);
	VALUES(r, n, item_c, row->app);
	VALUES(r, n, item_c, row->host);
	VALUES(r, n, item_c, row->actor);
	VALUES(r, n, item_id, row->operation_id);
	VALUES(r, n, item_c, row->data);
}

static void write_audits(store_tx *tx, const audit_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_AUDIT, NULL, NULL);
	VALUES(r, n, item_c, row->actor);
	VALUES(r, n, item_c, row->source_address);
	VALUES(r, n, item_c, row->api_request_id);
	VALUES(r, n, item_c, row->action);
	VALUES(r, n, item_c, row->target);
	VALUES(r, n, item_id, row->operation_id);
}

/* The last guard: what was placed is counted again from the rows above. */
static void check_placements(store_tx *tx, const placed_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_CHECK_PLACEMENTS, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->instance_id);
	VALUES(r, n, item_u64, row->most[SOT_SPREAD_LEVEL_AZ]);
	VALUES(r, n, item_u64, row->most[SOT_SPREAD_LEVEL_RACK]);
	VALUES(r, n, item_u64, row->most[SOT_SPREAD_LEVEL_HOST]);
}

static void delete_apps(store_tx *tx, const sot_uuid *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_DELETE_INSTANCES, NULL, NULL);
	VALUES(r, n, store_item_uuid, *row);
	store_query(tx, SCHEDULER_SQL_DELETE_APPS, NULL, NULL);
	VALUES(r, n, store_item_uuid, *row);
}

static void write_fence(scheduler *s, store_tx *tx)
{
	store_query(tx, SCHEDULER_SQL_FENCE, NULL, NULL);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_i64(tx, (int64_t)s->epoch);
}

void write_event(scheduler *s, store_tx *tx, const event_row *event)
{
	write_fence(s, tx);
	write_events(tx, event, 1);
}

/* Parents before children; deletions first, so that a name may be used again in the same batch. */
void write_batch(scheduler *s, store_tx *tx, const controller_batch *b)
{
	write_fence(s, tx);
#define WRITE(function, rows, count)                                                               \
	if ((count) > 0)                                                                               \
	function(tx, rows, count)
#define OLD_AND_NEW(name, rows, count, new_count)                                                  \
	do {                                                                                           \
		WRITE(write_##name, rows, (count) - (new_count));                                          \
		WRITE(write_new_##name, (rows) + ((count) - (new_count)), new_count);                      \
	} while (0)
	WRITE(delete_apps, b->deleted_apps, b->deleted_app_count);
	write_small_tables(tx, b);
	WRITE(write_images, b->images, b->image_count);
	WRITE(write_image_versions, b->image_versions, b->image_version_count);
	WRITE(write_hosts, b->hosts, b->host_count);
	WRITE(write_bookings, b->bookings, b->booking_count);
	OLD_AND_NEW(apps, b->apps, b->app_count, b->new_apps);
	OLD_AND_NEW(groups, b->groups, b->group_count, b->new_groups);
	WRITE(write_versions, b->versions, b->version_count);
	WRITE(write_middleware, b->middleware, b->middleware_count);
	OLD_AND_NEW(instances, b->instances, b->instance_count, b->new_instances);
	WRITE(write_departures, b->departures, b->departure_count);
	WRITE(write_uses, b->uses, b->use_count);
	if (b->writes_brake)
		write_brake(tx, &b->brake);
	OLD_AND_NEW(operations, b->operations, b->operation_count, b->new_operations);
	WRITE(write_rollouts, b->rollouts, b->rollout_count);
	WRITE(write_elastics, b->elastics, b->elastic_count);
	if (b->elastic_decision_count > 0)
		write_elastic_decisions(tx, b->elastic_decisions, b->elastic_decision_count,
		    s->config->operation_retention_days);
	write_histories(tx, b);
	WRITE(write_events, b->events, b->event_count);
	WRITE(write_audits, b->audits, b->audit_count);
	prune_small_tables(tx, b);
	if (b->placed_count > 0)
		check_placements(tx, b->placed, b->placed_count);
#undef WRITE
#undef OLD_AND_NEW
}
