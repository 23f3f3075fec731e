/* A batch as SQL: one statement per table, arrays by column. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "sot_parse.h"

/* One array parameter: `expression` sees `row`. */
#define COLUMN(rows, count, item, expression)                                                      \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (size_t k_ = 0; k_ < (count); k_++) {                                                  \
			__typeof__((rows)[0]) row = (rows)[k_];                                                \
			item(tx, expression);                                                                  \
		}                                                                                          \
		store_arg_array_end(tx);                                                                   \
	} while (0)
/* As COLUMN for arrays of values instead of pointers. */
#define VALUES(rows, count, item, expression)                                                      \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (size_t k_ = 0; k_ < (count); k_++) {                                                  \
			const __typeof__((rows)[0]) *row = &(rows)[k_];                                        \
			item(tx, expression);                                                                  \
		}                                                                                          \
		store_arg_array_end(tx);                                                                   \
	} while (0)

static void item_c(store_tx *tx, const char *c)
{
	store_item_str(tx, sot_str_c(c));
}

static void item_u64(store_tx *tx, uint64_t v)
{
	store_item_i64(tx, (int64_t)v);
}

/* The zero id is NULL. */
static void item_id(store_tx *tx, sot_uuid id)
{
	if (sot_uuid_is_zero(id))
		store_item_null(tx);
	else
		store_item_uuid(tx, id);
}

static void item_resolvers(store_tx *tx, const vlan_facts *net)
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

static void item_digest(store_tx *tx, const uint8_t *digest)
{
	char hex[65];

	sot_hex_encode(digest, 32, hex);
	item_c(tx, hex);
}

static void item_tags(store_tx *tx, const host_row *row)
{
	SOT_AUTO_BUF tags = {0};

	sot_buf_init(&tags, HOST_TAGS_MAX * 66);
	for (size_t k = 0; k < row->tag_count; k++)
		sot_buf_printf(&tags, "%s%s", k ? "," : "", row->tags[k]);
	store_item_str(tx, sot_buf_str(&tags));
}

static void item_health(store_tx *tx, const health_row *h)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, 4096);
	sot_buf_printf(
	    &json, "{\"kind\":\"%s\",\"port\":%u,\"path\":", health_check_name(h->kind), h->port);
	sot_buf_add_json(&json, sot_str_c(h->path));
	sot_buf_printf(&json,
	    ",\"intervalMs\":%u,\"timeoutMs\":%u,\"healthyAfter\":%u,\"unhealthyAfter\":%u,"
	    "\"startPeriodMs\":%u}",
	    h->interval_ms, h->timeout_ms, h->healthy_after, h->unhealthy_after, h->start_period_ms);
	store_item_str(tx, sot_buf_str(&json));
}

static void item_env(store_tx *tx, const app_row *row)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, SOT_WIRE_FRAME_MAX);
	sot_buf_add_c(&json, "[");
	for (size_t k = 0; k < row->env_count; k++) {
		sot_buf_add_c(&json, k ? ",{\"name\":" : "{\"name\":");
		sot_buf_add_json(&json, sot_str_c(row->env[k].name));
		sot_buf_add_c(&json, ",\"value\":");
		sot_buf_add_json(&json, sot_str_c(row->env[k].value));
		sot_buf_add_c(&json, "}");
	}
	sot_buf_add_c(&json, "]");
	store_item_str(tx, sot_buf_str(&json));
}

static void write_hosts(store_tx *tx, const host_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_HOSTS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, row->az);
	COLUMN(r, n, item_c, row->rack);
	COLUMN(r, n, item_tags, row);
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
}

static void write_images(store_tx *tx, const image_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_IMAGES, NULL, NULL);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, row->reference);
}

static void write_apps(store_tx *tx, const app_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_APPS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, row->image);
	COLUMN(r, n, item_c, row->plan);
	COLUMN(r, n, item_c, row->vlan);
	COLUMN(r, n, item_c, row->command);
	COLUMN(r, n, item_health, &row->health);
	COLUMN(r, n, item_env, row);
	COLUMN(r, n, item_c, row->version);
	COLUMN(r, n, store_item_bool, row->deleting);
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
}

static void write_groups(store_tx *tx, const group_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_GROUPS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, store_item_uuid, row->app_id);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_u64, row->next_number);
}

static void write_versions(store_tx *tx, const version_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_VERSIONS, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->app_id);
	VALUES(r, n, item_c, row->version);
	VALUES(r, n, item_digest, row->sha256);
	VALUES(r, n, item_u64, row->size_bytes);
	VALUES(r, n, item_c, row->file_name);
	VALUES(r, n, item_c, row->created_by);
	VALUES(r, n, store_item_i64, row->created_unix_ms);
}

static void write_instances(store_tx *tx, const instance_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_INSTANCES, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, store_item_uuid, row->app_id);
	COLUMN(r, n, store_item_uuid, row->group_id);
	COLUMN(r, n, item_u64, row->number);
	COLUMN(r, n, item_c, row->name);
	COLUMN(r, n, item_c, instance_state_name(row->state));
	COLUMN(r, n, item_c, health_name(row->health));
	COLUMN(r, n, item_c, desired_name(row->desired));
	COLUMN(r, n, item_u64, row->generation);
	COLUMN(r, n, item_u64, row->restart_seq);
	COLUMN(r, n, item_id, row->host_id);
	COLUMN(r, n, store_item_ip, row->v4.address);
	COLUMN(r, n, item_u64, row->v4.prefix);
	COLUMN(r, n, store_item_ip, row->v4.gateway);
	COLUMN(r, n, item_u64, row->net.vlan_id);
	COLUMN(r, n, item_mac, row);
	COLUMN(r, n, item_u64, row->v4.generation);
	COLUMN(r, n, item_u64, row->cpu_milli);
	COLUMN(r, n, item_u64, row->memory_bytes);
	COLUMN(r, n, item_u64, row->disk_bytes);
	COLUMN(r, n, item_c, row->image);
	COLUMN(r, n, item_c, row->version);
	COLUMN(r, n, item_u64, row->observed_generation);
	COLUMN(r, n, item_u64, row->observed_restart_seq);
	COLUMN(r, n, item_c, row->observed_version);
	COLUMN(r, n, item_c, row->container_id);
	COLUMN(r, n, item_u64, row->restarts);
	COLUMN(r, n, item_c, row->error);
	COLUMN(r, n, store_item_i64, row->started_unix_ms);
	COLUMN(r, n, store_item_i64, row->observed_unix_ms);
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
	COLUMN(r, n, item_c, row->vlan);
	COLUMN(r, n, item_u64, row->net.vrf);
	COLUMN(r, n, item_u64, row->net.mtu);
	COLUMN(r, n, store_item_bool, row->net.isolated);
	COLUMN(r, n, item_resolvers, &row->net);
	COLUMN(r, n, item_c, row->net.dns_search);
	COLUMN(r, n, store_item_ip, row->v6.address);
	COLUMN(r, n, item_u64, row->v6.prefix);
	COLUMN(r, n, store_item_ip, row->v6.gateway);
	COLUMN(r, n, item_u64, row->v6.generation);
	COLUMN(r, n, item_u64, row->bandwidth_kbit);
	COLUMN(r, n, item_u64, row->net.settings);
}

static void write_operations(store_tx *tx, const operation_row **r, size_t n)
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
}

static void write_steps(store_tx *tx, const step_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_STEPS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->operation_id);
	COLUMN(r, n, item_u64, row->ordinal);
	COLUMN(r, n, item_id, row->instance_id);
	COLUMN(r, n, item_c, step_kind_name(row->kind));
	COLUMN(r, n, item_c, row->subject);
	COLUMN(r, n, item_c, operation_state_name(row->state));
	COLUMN(r, n, item_c, row->detail);
	COLUMN(r, n, store_item_i64, row->started_unix_ms);
	COLUMN(r, n, store_item_i64, row->finished_unix_ms);
}

static void write_logs(store_tx *tx, const log_row *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_LOGS, NULL, NULL);
	VALUES(r, n, store_item_uuid, row->operation_id);
	VALUES(r, n, item_u64, row->line);
	VALUES(r, n, store_item_i64, row->at_unix_ms);
	VALUES(r, n, item_c, log_level_name(row->level));
	VALUES(r, n, item_c, row->text);
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

static void delete_apps(store_tx *tx, const sot_uuid *r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_DELETE_INSTANCES, NULL, NULL);
	VALUES(r, n, store_item_uuid, *row);
	store_query(tx, SCHEDULER_SQL_DELETE_APPS, NULL, NULL);
	VALUES(r, n, store_item_uuid, *row);
}

/* Parents before children; deletions first, so that a name may be used again in the same batch. */
void write_batch(scheduler *s, store_tx *tx, const controller_batch *b)
{
	store_query(tx, SCHEDULER_SQL_FENCE, NULL, NULL);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_i64(tx, (int64_t)s->epoch);
#define WRITE(function, rows, count)                                                               \
	if ((count) > 0)                                                                               \
	function(tx, rows, count)
	WRITE(delete_apps, b->deleted_apps, b->deleted_app_count);
	WRITE(write_images, b->images, b->image_count);
	WRITE(write_hosts, b->hosts, b->host_count);
	WRITE(write_apps, b->apps, b->app_count);
	WRITE(write_groups, b->groups, b->group_count);
	WRITE(write_versions, b->versions, b->version_count);
	WRITE(write_instances, b->instances, b->instance_count);
	WRITE(write_operations, b->operations, b->operation_count);
	WRITE(write_steps, b->steps, b->step_count);
	WRITE(write_logs, b->logs, b->log_count);
	WRITE(write_events, b->events, b->event_count);
	WRITE(write_audits, b->audits, b->audit_count);
#undef WRITE
}
