/* Rows that no batch has held before, as SQL: inserted with no look at what is there, with the
 * columns that differ from the table's defaults. It is what a placement costs (docs/adr/0020). */
#include "internal.h"
#include "write_columns.h"

#include <stdlib.h>

#include "sot_parse.h"

/* The rows that `is_first` says with one statement, the others with another. */
#define WRITE_SORTED(rows, n, is_first, write_first, write_others)                                 \
	do {                                                                                           \
		__typeof__((rows)[0]) *sorted_ = sot_alloc_array((n), sizeof(*sorted_));                   \
		size_t first_ = 0, last_ = (n);                                                            \
		for (size_t k_ = 0; k_ < (n); k_++) {                                                      \
			if (is_first((rows)[k_]))                                                              \
				sorted_[first_++] = (rows)[k_];                                                    \
			else                                                                                   \
				sorted_[--last_] = (rows)[k_];                                                     \
		}                                                                                          \
		if (first_ > 0)                                                                            \
			write_first(tx, sorted_, first_);                                                      \
		if (first_ < (n))                                                                          \
			write_others(tx, sorted_ + first_, (n)-first_);                                        \
		free(sorted_);                                                                             \
	} while (0)

/* More than the requests of one batch can say (WAITING_BYTES_MAX), every byte of it escaped. */
#define SAID_BYTES_MAX ((size_t)512 * 1024 * 1024)

/* ---- apps and groups ---- */

static bool is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/* No version, no labels, none of the settings that a new app seldom has. */
static bool is_plain_app(const app_row *row)
{
	const app_settings *s = &row->settings;

	return !row->version[0] && !row->deleting && is_empty(row->middleware) && is_empty(s->labels) &&
	       is_empty(s->windows) && is_empty(s->opt_outs) && is_empty(s->middleware_before) &&
	       !s->version_before[0] && s->keep_versions == 0 && s->keep_days == 0;
}

/* Texts, each said once where rows that follow one another say the same. */
typedef struct said {
	sot_buf texts;
	size_t *ends; /* of each in `texts` */
	size_t count;
} said;

static sot_str said_last(const said *s)
{
	size_t from = s->count > 1 ? s->ends[s->count - 2] : 0;

	return s->count ? (sot_str){s->texts.p + from, s->ends[s->count - 1] - from} : (sot_str){0};
}

/* Which text each row says, from 1. */
static void said_column(store_tx *tx, said *s, const app_row **r, size_t n,
    void (*say)(const app_row *row, sot_buf *json))
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, SOT_WIRE_FRAME_MAX);
	store_arg_array_begin(tx);
	for (size_t k = 0; k < n; k++) {
		sot_buf_reset(&json);
		say(r[k], &json);
		if (k == 0 || !sot_str_eq(said_last(s), sot_buf_str(&json))) {
			sot_buf_add_str(&s->texts, sot_buf_str(&json));
			s->ends[s->count++] = s->texts.n;
		}
		store_item_i64(tx, (int64_t)s->count);
	}
	store_arg_array_end(tx);
}

static void said_texts(store_tx *tx, const said *s)
{
	store_arg_array_begin(tx);
	for (size_t k = 0, from = 0; k < s->count; from = s->ends[k++])
		store_item_str(tx, (sot_str){s->texts.p + from, s->ends[k] - from});
	store_arg_array_end(tx);
}

/* Most apps have the same rules, the same health check and no environment: parsed once, not for
 * each, a row costs half. */
static void write_plain_apps(store_tx *tx, const app_row **r, size_t n)
{
	said s = {.ends = sot_alloc_array(3 * n, sizeof(*s.ends))};

	sot_buf_init(&s.texts, SAID_BYTES_MAX);
	store_query(tx, SCHEDULER_SQL_WRITE_NEW_APPS, NULL, NULL);
	app_columns(tx, r, n);
	app_policy_columns(tx, r, n);
	said_column(tx, &s, r, n, app_health_json);
	said_column(tx, &s, r, n, app_env_json);
	said_column(tx, &s, r, n, app_placement_json);
	said_texts(tx, &s);
	sot_buf_clear(&s.texts);
	free(s.ends);
}

void write_new_apps(store_tx *tx, const app_row **r, size_t n)
{
	WRITE_SORTED(r, n, is_plain_app, write_plain_apps, write_apps);
}

static bool is_plain_group(const group_row *row)
{
	return !row->version[0] && !row->environment[0] && !row->deleted;
}

static void write_plain_groups(store_tx *tx, const group_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_NEW_GROUPS, NULL, NULL);
	group_columns(tx, r, n);
}

void write_new_groups(store_tx *tx, const group_row **r, size_t n)
{
	WRITE_SORTED(r, n, is_plain_group, write_plain_groups, write_groups);
}

/* ---- instances ---- */

/* Nothing but what its placement says: all else is as the table's defaults say. */
static bool is_plain(const instance_row *row)
{
	return row->health == SOT_HEALTH_UNKNOWN && row->desired == SOT_DESIRED_STATE_RUNNING &&
	       row->generation == 1 && row->restart_seq == 0 && row->rebuild_seq == 0 &&
	       row->observed_generation == 0 && row->observed_restart_seq == 0 && row->restarts == 0 &&
	       row->started_unix_ms == 0 && row->observed_unix_ms == 0 &&
	       !row->make->observed_version[0] && row->container.length == 0 && !row->make->error[0] &&
	       sot_uuid_is_zero(row->moving_to);
}

static bool hold_alike(const held_address *a, const held_address *b)
{
	return sot_ip_is_none(a->address) == sot_ip_is_none(b->address);
}

/* What both have in common is all that is not an instance's own. */
static bool is_of_shape(const instance_row *a, const instance_row *b)
{
	return a->make == b->make && sot_uuid_eq(a->decision_id, b->decision_id) &&
	       hold_alike(&a->v4, &b->v4) && hold_alike(&a->v6, &b->v6) &&
	       a->created_unix_ms == b->created_unix_ms && a->updated_unix_ms == b->updated_unix_ms;
}

typedef struct newcomers {
	const instance_row **rows, **shapes, **odd; /* odd: not plain */
	uint64_t *shape_of;                         /* of each of `rows`, from 1 */
	size_t row_count, shape_count, odd_count;
} newcomers;

/* Instances of an app come one after another: a shape is looked for in the one before only. */
static newcomers sort_out(const instance_row **r, size_t n)
{
	newcomers c = {.rows = sot_alloc_array(n, sizeof(*r)),
	    .shapes = sot_alloc_array(n, sizeof(*r)),
	    .odd = sot_alloc_array(n, sizeof(*r)),
	    .shape_of = sot_alloc_array(n, sizeof(*c.shape_of))};

	for (size_t k = 0; k < n; k++) {
		if (!is_plain(r[k])) {
			c.odd[c.odd_count++] = r[k];
			continue;
		}
		if (c.shape_count == 0 || !is_of_shape(c.shapes[c.shape_count - 1], r[k]))
			c.shapes[c.shape_count++] = r[k];
		c.shape_of[c.row_count] = c.shape_count;
		c.rows[c.row_count++] = r[k];
	}
	return c;
}

static void item_mac_of(store_tx *tx, const instance_row *row)
{
	if (sot_ip_is_none(row->v4.address))
		store_item_null(tx);
	else
		store_item_mac(tx, row->mac.b);
}

static void write_rows(store_tx *tx, const newcomers *c)
{
	VALUES(c->shape_of, c->row_count, item_u64, *row);
	COLUMN(c->rows, c->row_count, store_item_uuid, row->id);
	COLUMN(c->rows, c->row_count, item_u64, row->number);
	COLUMN(c->rows, c->row_count, item_c, row->name);
	COLUMN(c->rows, c->row_count, item_c, instance_state_name(row->state));
	COLUMN(c->rows, c->row_count, item_id, row->host_id);
	COLUMN(c->rows, c->row_count, store_item_ip, row->v4.address);
	COLUMN(c->rows, c->row_count, item_u64, row->v4.generation);
	COLUMN(c->rows, c->row_count, item_mac_of, row);
	COLUMN(c->rows, c->row_count, store_item_ip, row->v6.address);
	COLUMN(c->rows, c->row_count, item_u64, row->v6.generation);
}

static void write_shapes(store_tx *tx, const instance_row **r, size_t n)
{
	COLUMN(r, n, store_item_uuid, row->make->app_id);
	COLUMN(r, n, store_item_uuid, row->make->group_id);
	COLUMN(r, n, item_u64, way_of(row, &row->v4)->prefix);
	COLUMN(r, n, store_item_ip, way_of(row, &row->v4)->gateway);
	COLUMN(r, n, item_u64, row->make->net->vlan_id);
	COLUMN(r, n, item_u64, row->make->cpu_milli);
	COLUMN(r, n, item_u64, row->make->memory_bytes);
	COLUMN(r, n, item_u64, row->make->disk_bytes);
	COLUMN(r, n, item_c, row->make->image);
	COLUMN(r, n, item_c, row->make->version);
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
	network_columns(tx, r, n);
	COLUMN(r, n, item_u64, way_of(row, &row->v6)->prefix);
	COLUMN(r, n, store_item_ip, way_of(row, &row->v6)->gateway);
	COLUMN(r, n, item_u64, row->make->bandwidth_kbit);
	COLUMN(r, n, item_u64, row->make->net->settings);
	COLUMN(r, n, item_c, row->make->plan);
	COLUMN(r, n, item_id, row->decision_id);
	COLUMN(r, n, item_c, row->make->middleware);
}

void write_new_instances(store_tx *tx, const instance_row **r, size_t n)
{
	newcomers c = sort_out(r, n);

	if (c.odd_count > 0)
		write_instances(tx, c.odd, c.odd_count);
	if (c.row_count > 0) {
		store_query(tx, SCHEDULER_SQL_WRITE_NEW_INSTANCES, NULL, NULL);
		write_rows(tx, &c);
		write_shapes(tx, c.shapes, c.shape_count);
	}
	free(c.rows);
	free(c.shapes);
	free(c.odd);
	free(c.shape_of);
}

/* ---- operations ---- */

static bool stands_for_itself(const operation_row *row)
{
	return sot_uuid_is_zero(row->parent_id) && sot_uuid_is_zero(row->retry_of) &&
	       row->target_count == 0 && row->parallel == 0 && row->failures_max == 0 &&
	       row->children.total == 0 && !row->error[0] && !row->outcome[0] && !row->cancelled_by[0];
}

static void item_digest_bytes(store_tx *tx, const uint8_t *digest)
{
	char text[2 + 65] = "\\x";

	sot_hex_encode(digest, 32, text + 2);
	item_c(tx, text);
}

static void write_plain_operations(store_tx *tx, const operation_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_NEW_OPERATIONS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, item_c, operation_kind_name(row->kind));
	COLUMN(r, n, item_id, row->app_id);
	COLUMN(r, n, item_c, row->target);
	COLUMN(r, n, item_c, row->actor);
	COLUMN(r, n, item_c, row->key);
	COLUMN(r, n, item_digest_bytes, row->request_sha256);
	COLUMN(r, n, store_item_uuid, row->resource_id);
	COLUMN(r, n, item_c, row->spec);
	COLUMN(r, n, item_c, operation_state_name(row->state));
	COLUMN(r, n, item_c, row->waits_for);
	COLUMN(r, n, item_u64, row->progress_done);
	COLUMN(r, n, item_u64, row->progress_total);
	COLUMN(r, n, store_item_i64, row->created_unix_ms);
	COLUMN(r, n, store_item_i64, row->updated_unix_ms);
	COLUMN(r, n, store_item_i64, row->finished_unix_ms);
	COLUMN(r, n, item_c, row->reason);
	COLUMN(r, n, item_u64, row->position);
	COLUMN(r, n, store_item_i64, row->started_unix_ms);
}

void write_new_operations(store_tx *tx, const operation_row **r, size_t n)
{
	WRITE_SORTED(r, n, stands_for_itself, write_plain_operations, write_operations);
}
