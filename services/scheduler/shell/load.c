/* Take-over: every row that the controller needs, in one read-only transaction. Rows of the old
 * leader cannot change meanwhile: its writes are fenced by the epoch that was won before. */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sot_parse.h"
#include "sot_rand.h"

typedef struct env_item {
	sot_uuid app_id;
	char *name, *value;
} env_item;

struct loader {
	scheduler *s;
	controller *c;
	uint64_t epoch;
	env_item *env;
	size_t env_count;
	sot_code code; /* the first row that could not be read */
	sot_err err;
};

loader *load_free(loader *l)
{
	if (!l)
		return NULL;
	store_forget(l->s->store, l);
	for (size_t k = 0; k < l->env_count; k++) {
		free(l->env[k].name);
		free(l->env[k].value);
	}
	free(l->env);
	controller_free(l->c);
	free(l);
	return NULL;
}

/* ---- one row, column by column: after a failure the rest reads as zero ---- */

typedef struct cursor {
	loader *l;
	const store_result *res;
	size_t row;
	int column;
} cursor;

static void note(loader *l, sot_code code)
{
	if (l->code == SOT_OK)
		l->code = code;
}

static int64_t number(cursor *at, int64_t lo, int64_t hi)
{
	int64_t value = 0;
	loader *l = at->l;

	if (l->code == SOT_OK)
		note(l, store_i64(at->res, at->row, at->column, &value, &l->err));
	if (l->code == SOT_OK && (value < lo || value > hi))
		note(l, sot_fail(&l->err, SOT_INTERNAL, "column %d: %" PRId64 " is out of range",
		            at->column, value));
	at->column++;
	return value;
}

static uint64_t u64(cursor *at)
{
	return (uint64_t)number(at, 0, INT64_MAX);
}

static uint32_t u32(cursor *at)
{
	return (uint32_t)number(at, 0, UINT32_MAX);
}

static uint16_t u16(cursor *at)
{
	return (uint16_t)number(at, 0, UINT16_MAX);
}

static uint8_t u8(cursor *at)
{
	return (uint8_t)number(at, 0, UINT8_MAX);
}

static bool flag(cursor *at)
{
	bool value = false;

	if (at->l->code == SOT_OK)
		note(at->l, store_bool(at->res, at->row, at->column, &value, &at->l->err));
	at->column++;
	return value;
}

/* The zero id for NULL. */
static sot_uuid id(cursor *at)
{
	sot_uuid value = {{0}};

	if (at->l->code == SOT_OK && !store_is_null(at->res, at->row, at->column))
		note(at->l, store_uuid(at->res, at->row, at->column, &value, &at->l->err));
	at->column++;
	return value;
}

static sot_ip ip(cursor *at)
{
	sot_ip value = {0};

	if (at->l->code == SOT_OK)
		note(at->l, store_ip(at->res, at->row, at->column, &value, &at->l->err));
	at->column++;
	return value;
}

static sot_str text(cursor *at)
{
	return store_text(at->res, at->row, at->column++);
}

static void copy(cursor *at, char *dst, size_t size)
{
	sot_code code = sot_str_copy(text(at), dst, size, &at->l->err);

	note(at->l, code);
}

#define COPY(at, field) copy((at), (field), sizeof(field))
/* An enum by its word. */
#define WORD(at, parse, field) note((at)->l, parse(text(at), &(field), &(at)->l->err))
/* Runs the body for every row; `at` is its cursor. */
#define EACH_ROW(at)                                                                               \
	for (cursor at = {self, res, 0, 0};                                                            \
	     ((loader *)self)->code == SOT_OK && at.row < store_rows(res); at.row++, at.column = 0)

static void digest(cursor *at, uint8_t dst[static 32])
{
	note(at->l, sot_hex_decode(text(at), dst, 32, &at->l->err));
}

/* ---- tables ---- */

static void on_plans(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		plan_row row = {.cpu_milli = 0};
		COPY(&at, row.name);
		row.cpu_milli = u32(&at);
		row.memory_bytes = u64(&at);
		row.disk_bytes = u64(&at);
		row.bandwidth_kbit = u32(&at);
		controller_load_plan(at.l->c, &row);
	}
}

static void on_images(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		image_row row = {{0}, {0}};
		COPY(&at, row.name);
		COPY(&at, row.reference);
		controller_load_image(at.l->c, &row);
	}
}

static void read_tags(cursor *at, host_row *row)
{
	sot_str rest = text(at);

	while (rest.n > 0 && row->tag_count < HOST_TAGS_MAX) {
		sot_str tag = sot_str_cut(rest, ',', &rest);
		size_t k = row->tag_count++;
		note(at->l, sot_str_copy(tag, row->tags[k], sizeof(row->tags[k]), &at->l->err));
	}
}

static void on_hosts(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		host_row row = {.id = id(&at)};
		COPY(&at, row.name);
		COPY(&at, row.az);
		COPY(&at, row.rack);
		read_tags(&at, &row);
		COPY(&at, row.public_key);
		row.revoked = flag(&at);
		row.schedulable = flag(&at);
		WORD(&at, host_state_parse, row.state);
		row.generation = u64(&at);
		COPY(&at, row.boot_id);
		COPY(&at, row.agent_version);
		COPY(&at, row.hostname);
		COPY(&at, row.kernel);
		COPY(&at, row.docker_version);
		row.cpu_milli = u32(&at);
		row.memory_bytes = u64(&at);
		row.disk_bytes = u64(&at);
		row.booked_cpu_milli = u32(&at);
		row.booked_memory_bytes = u64(&at);
		row.booked_disk_bytes = u64(&at);
		row.unknown_containers = u32(&at);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.seen_unix_ms = number(&at, 0, INT64_MAX);
		controller_load_host(at.l->c, &row);
	}
}

static void on_env(void *self, const store_result *res)
{
	loader *l = self;

	l->env = sot_alloc_array(store_rows(res) + 1, sizeof(*l->env));
	EACH_ROW(at)
	{
		env_item *item = &l->env[l->env_count++];
		item->app_id = id(&at);
		item->name = sot_strndup(text(&at));
		item->value = sot_strndup(text(&at));
	}
}

/* Both lists are in the order of app ids. */
static void attach_env(loader *l, app_row *row, size_t *next, env_row env[static 64])
{
	while (*next < l->env_count && sot_uuid_cmp(l->env[*next].app_id, row->id) < 0)
		(*next)++;
	row->env = env;
	while (
	    *next < l->env_count && row->env_count < 64 && sot_uuid_eq(l->env[*next].app_id, row->id)) {
		env[row->env_count++] = (env_row){l->env[*next].name, l->env[*next].value};
		(*next)++;
	}
}

static void read_health(cursor *at, health_row *h)
{
	WORD(at, health_check_parse, h->kind);
	h->port = u16(at);
	COPY(at, h->path);
	h->interval_ms = u32(at);
	h->timeout_ms = u32(at);
	h->healthy_after = u8(at);
	h->unhealthy_after = u8(at);
	h->start_period_ms = u32(at);
}

static void on_apps(void *self, const store_result *res)
{
	size_t next = 0;
	env_row env[64];

	EACH_ROW(at)
	{
		app_row row = {.id = id(&at)};
		COPY(&at, row.name);
		COPY(&at, row.image);
		COPY(&at, row.plan);
		COPY(&at, row.vlan);
		row.command = sot_strndup(text(&at));
		COPY(&at, row.version);
		row.deleting = flag(&at);
		read_health(&at, &row.health);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.updated_unix_ms = number(&at, 0, INT64_MAX);
		attach_env(self, &row, &next, env);
		controller_load_app(at.l->c, &row);
		free(row.command);
	}
}

static void on_groups(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		group_row row = {.id = id(&at)};
		row.app_id = id(&at);
		COPY(&at, row.name);
		row.next_number = u32(&at);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_group(at.l->c, &row, &at.l->err));
	}
}

static void on_versions(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		version_row row = {.app_id = id(&at)};
		COPY(&at, row.version);
		digest(&at, row.sha256);
		row.size_bytes = u64(&at);
		COPY(&at, row.file_name);
		COPY(&at, row.created_by);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_version(at.l->c, &row, &at.l->err));
	}
}

static void read_address(cursor *at, instance_row *row)
{
	row->v4.address = ip(at);
	row->v4.prefix = u8(at);
	row->v4.gateway = ip(at);
	row->net.vlan_id = u16(at);
	sot_str mac = text(at);
	if (mac.n > 0)
		note(at->l, sot_parse_mac(mac, row->mac.b, &at->l->err));
	row->v4.generation = u64(at);
}

static void read_resolvers(cursor *at, vlan_facts *net)
{
	sot_str rest = text(at);

	while (rest.n > 0 && net->dns_count < DNS_MAX && at->l->code == SOT_OK) {
		sot_str one = sot_str_cut(rest, ',', &rest);
		note(at->l, sot_ip_parse(one, &net->dns[net->dns_count++], &at->l->err));
	}
}

static void read_network(cursor *at, instance_row *row)
{
	COPY(at, row->vlan);
	row->net.vrf = u16(at);
	row->net.mtu = u16(at);
	row->net.isolated = flag(at);
	read_resolvers(at, &row->net);
	COPY(at, row->net.dns_search);
	row->v6.address = ip(at);
	row->v6.prefix = u8(at);
	row->v6.gateway = ip(at);
	row->v6.generation = u64(at);
	row->bandwidth_kbit = u32(at);
	row->net.settings = u64(at);
}

static void read_observed(cursor *at, instance_row *row)
{
	row->observed_generation = u64(at);
	row->observed_restart_seq = u32(at);
	COPY(at, row->observed_version);
	COPY(at, row->container_id);
	row->restarts = u32(at);
	row->error = sot_strndup(text(at));
	row->started_unix_ms = number(at, 0, INT64_MAX);
	row->observed_unix_ms = number(at, 0, INT64_MAX);
	row->created_unix_ms = number(at, 0, INT64_MAX);
	row->updated_unix_ms = number(at, 0, INT64_MAX);
}

static void on_instances(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		instance_row row = {.id = id(&at)};
		row.app_id = id(&at);
		row.group_id = id(&at);
		row.number = u32(&at);
		COPY(&at, row.name);
		WORD(&at, instance_state_parse, row.state);
		WORD(&at, health_parse, row.health);
		WORD(&at, desired_parse, row.desired);
		row.generation = u64(&at);
		row.restart_seq = u32(&at);
		row.host_id = id(&at);
		read_address(&at, &row);
		row.cpu_milli = u32(&at);
		row.memory_bytes = u64(&at);
		row.disk_bytes = u64(&at);
		row.image = sot_strndup(text(&at));
		COPY(&at, row.version);
		read_observed(&at, &row);
		read_network(&at, &row);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_instance(at.l->c, &row, &at.l->err));
		instance_row_clear(&row);
	}
}

static void on_operations(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		operation_row row = {.id = id(&at)};
		WORD(&at, operation_kind_parse, row.kind);
		row.app_id = id(&at);
		COPY(&at, row.target);
		COPY(&at, row.actor);
		COPY(&at, row.key);
		digest(&at, row.request_sha256);
		row.resource_id = id(&at);
		row.spec = sot_strndup(text(&at));
		COPY(&at, row.version);
		row.count = u32(&at);
		WORD(&at, operation_state_parse, row.state);
		COPY(&at, row.waits_for);
		row.progress_done = u32(&at);
		row.progress_total = u32(&at);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.updated_unix_ms = number(&at, 0, INT64_MAX);
		uint64_t next_line = u64(&at);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_operation(at.l->c, &row, next_line, &at.l->err));
		operation_row_clear(&row);
	}
}

static void on_steps(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		step_row row = {.operation_id = id(&at)};
		row.ordinal = u32(&at);
		row.instance_id = id(&at);
		WORD(&at, step_kind_parse, row.kind);
		COPY(&at, row.subject);
		WORD(&at, operation_state_parse, row.state);
		COPY(&at, row.detail);
		row.started_unix_ms = number(&at, 0, INT64_MAX);
		row.finished_unix_ms = number(&at, 0, INT64_MAX);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_step(at.l->c, &row, &at.l->err));
	}
}

static void on_keys(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		key_row row = {.operation_id = {{0}}};
		COPY(&at, row.actor);
		COPY(&at, row.key);
		digest(&at, row.request_sha256);
		row.operation_id = id(&at);
		row.resource_id = id(&at);
		controller_load_key(at.l->c, &row);
	}
}

/* ---- the transaction ---- */

static void allow(void *self, const host_row *row)
{
	scheduler_allow_host(
	    self, row->public_key, row->id, row->revoked || row->state == HOST_RETIRED);
}

static void on_loaded(void *self, const store_outcome *outcome)
{
	loader *l = self;
	scheduler *s = l->s;

	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "take_over.unread", outcome->why, "epoch=%" PRIu64, l->epoch);
		leadership_lose(s, true, "the rows could not be read");
		return;
	}
	if (l->code != SOT_OK) {
		sot_log_err(SOT_ERROR, "take_over.bad_row", &l->err, "epoch=%" PRIu64, l->epoch);
		leadership_lose(s, true, "a row could not be understood");
		return;
	}
	SOT_FAILPOINT_HIT("scheduler.take_over.loaded");
	s->c = SOT_TAKE(l->c);
	s->load = load_free(l);
	controller_loaded(s->c, scheduler_now(s));
	controller_each_host(s->c, allow, s);
	sot_metric_set(s->metrics.leading, 1);
	controller_stats stats = controller_get_stats(s->c);
	sot_log(SOT_INFO, "leading", "epoch=%" PRIu64 " hosts=%zu instances=%zu operations=%zu",
	    s->epoch, stats.hosts, stats.instances, stats.operations_open);
	SOT_FAILPOINT_HIT("scheduler.take_over.leading");
	scheduler_settle(s);
}

static controller *new_controller(const scheduler *s, uint64_t epoch)
{
	const scheduler_config *from = s->config;
	controller_config config = controller_config_default(epoch);
	uint64_t seed;

	config.suspect_after_ms = from->suspect_after_ms;
	config.lost_after_ms = from->lost_after_ms;
	config.retry_ms = from->retry_ms;
	config.wait_deadline_ms = from->wait_deadline_ms;
	config.start_deadline_ms = from->start_deadline_ms;
	config.healthy_deadline_ms = from->healthy_deadline_ms;
	config.stop_deadline_ms = from->stop_deadline_ms;
	config.failure_grace_ms = from->failure_grace_ms;
	sot_rand_bytes(&seed, sizeof(seed));
	return controller_new(&config, seed);
}

/* Nothing waits for it; the reason is for the log. */
static void on_side_done(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "database.side_work_failed", outcome->why, "%s", "");
}

static void purge(scheduler *s)
{
	store_tx *tx = store_begin(s->store);
	sot_err err;

	store_query(tx, SCHEDULER_SQL_FENCE, NULL, NULL);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_i64(tx, (int64_t)s->epoch);
	store_query(tx, SCHEDULER_SQL_PURGE, NULL, NULL);
	store_arg_i64(tx, s->config->operation_retention_days);
	if (store_commit(&tx, on_side_done, s, &err) != SOT_OK) /* the next take-over does it */
		sot_log_err(SOT_WARN, "take_over.not_purged", &err, "%s", "");
}

void load_begin(scheduler *s, uint64_t epoch)
{
	static const struct {
		int statement;
		store_rows_fn on_rows;
	} tables[] = {
	    {SCHEDULER_SQL_LOAD_PLANS, on_plans},
	    {SCHEDULER_SQL_LOAD_IMAGES, on_images},
	    {SCHEDULER_SQL_LOAD_HOSTS, on_hosts},
	    {SCHEDULER_SQL_LOAD_ENV, on_env},
	    {SCHEDULER_SQL_LOAD_APPS, on_apps},
	    {SCHEDULER_SQL_LOAD_GROUPS, on_groups},
	    {SCHEDULER_SQL_LOAD_VERSIONS, on_versions},
	    {SCHEDULER_SQL_LOAD_INSTANCES, on_instances},
	    {SCHEDULER_SQL_LOAD_OPERATIONS, on_operations},
	    {SCHEDULER_SQL_LOAD_STEPS, on_steps},
	    {SCHEDULER_SQL_LOAD_KEYS, on_keys},
	};
	loader *l = sot_alloc(sizeof(*l));
	sot_err err;

	s->epoch = epoch;
	purge(s);
	*l = (loader){.s = s, .epoch = epoch, .c = new_controller(s, epoch)};
	s->load = l;
	SOT_FAILPOINT_HIT("scheduler.take_over.before_load");
	store_tx *tx = store_begin_read(s->store);
	for (size_t k = 0; k < sizeof(tables) / sizeof(tables[0]); k++)
		store_query(tx, tables[k].statement, tables[k].on_rows, l);
	if (store_commit(&tx, on_loaded, l, &err) != SOT_OK) {
		sot_log_err(SOT_WARN, "take_over.not_asked", &err, "%s", "");
		leadership_lose(s, true, "the database's queue is full");
	}
}

/* ---- keys ---- */

static void on_host_keys(void *self, const store_result *res)
{
	char key[BUS_KEY_TEXT];
	sot_uuid host_id;
	bool denied;
	sot_err err;

	for (size_t row = 0; row < store_rows(res); row++) {
		if (store_uuid(res, row, 0, &host_id, &err) == SOT_OK &&
		    sot_str_copy(store_text(res, row, 1), key, sizeof(key), &err) == SOT_OK &&
		    store_bool(res, row, 2, &denied, &err) == SOT_OK)
			scheduler_allow_host(self, key, host_id, denied);
	}
}

void load_host_keys(void *self, uint64_t missed)
{
	scheduler *s = self;
	sot_err err;

	(void)missed;
	if (!store_is_up(s->store) || s->draining)
		return;
	store_tx *tx = store_begin_read(s->store);
	store_query(tx, SCHEDULER_SQL_HOST_KEYS, on_host_keys, s);
	if (store_commit(&tx, on_side_done, s, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "keys.not_read", &err, "%s", "");
}
