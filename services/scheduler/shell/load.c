/* Take-over: every row that the controller needs, in one read-only transaction. Rows of the old
 * leader cannot change meanwhile: its writes are fenced by the epoch that was won before. */
#include "load_cursor.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sot_parse.h"
#include "sot_rand.h"

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
	shared_pool_free(l->shared);
	free(l);
	return NULL;
}

/* ---- tables ---- */

static void on_images(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		image_row row = {{0}, {0}, {0}, {0}, {0}};
		COPY(&at, row.name);
		COPY(&at, row.reference);
		COPY(&at, row.version);
		COPY(&at, row.owner_dev);
		COPY(&at, row.owner_ops);
		controller_load_image(at.l->c, &row);
	}
}

static void on_hosts(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		host_row row = {.id = id(&at)};
		COPY(&at, row.name);
		read_shared(&at, &row.az);
		read_shared(&at, &row.rack);
		read_shared(&at, &row.tags);
		COPY(&at, row.public_key);
		row.revoked = flag(&at);
		row.schedulable = flag(&at);
		WORD(&at, host_state_parse, row.state);
		row.generation = u64(&at);
		COPY(&at, row.boot_id);
		read_shared(&at, &row.agent_version);
		read_shared(&at, &row.hostname);
		read_shared(&at, &row.kernel);
		read_shared(&at, &row.docker_version);
		row.cpu_milli = u32(&at);
		row.memory_bytes = u64(&at);
		row.disk_bytes = u64(&at);
		row.booked_cpu_milli = u32(&at);
		row.booked_memory_bytes = u64(&at);
		row.booked_disk_bytes = u64(&at);
		row.unknown_containers = u32(&at);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.seen_unix_ms = number(&at, 0, INT64_MAX);
		load_read_class(&at, &row);
		WORD(&at, host_duty_parse, row.duty);
		row.address = ip(&at);
		read_shared(&at, &row.reason);
		WORD(&at, loss_proof_parse, row.lost_by);
		row.lost_unix_ms = number(&at, 0, INT64_MAX);
		read_shared(&at, &row.windows);
		read_shared(&at, &row.rack_windows);
		read_shared(&at, &row.containers);
		read_shared(&at, &row.ignored);
		controller_load_host(at.l->c, &row);
		host_row_clear(&row);
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
	read_shared(at, &h->path);
	h->interval_ms = u32(at);
	h->timeout_ms = u32(at);
	h->healthy_after = u8(at);
	h->unhealthy_after = u8(at);
	h->start_period_ms = u32(at);
	read_shared(at, &h->command);
	h->restart_after = u8(at);
}

static void on_apps(void *self, const store_result *res)
{
	size_t next = 0;
	env_row env[64];

	EACH_ROW(at)
	{
		app_row row = {.id = id(&at)};
		COPY(&at, row.name);
		read_shared(&at, &row.image);
		read_shared(&at, &row.plan);
		read_shared(&at, &row.vlan);
		row.command = sot_strndup(text(&at));
		read_shared(&at, &row.version);
		row.deleting = flag(&at);
		read_health(&at, &row.health);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.updated_unix_ms = number(&at, 0, INT64_MAX);
		read_shared(&at, &row.team);
		load_read_placement(&at, &row.placement);
		WORD(&at, recovery_parse, row.recovery);
		WORD(&at, on_return_parse, row.on_return);
		row.middleware = sot_strndup(text(&at));
		load_read_settings(&at, &row.settings);
		attach_env(self, &row, &next, env);
		if (at.l->code == SOT_OK)
			controller_load_app(at.l->c, &row);
		row.env = NULL; /* the loader's */
		row.env_count = 0;
		app_row_clear(&row);
	}
}

static void read_address(cursor *at, instance_row *row, vlan_facts *net)
{
	row->v4.address = ip(at);
	net->v4.prefix = u8(at);
	net->v4.gateway = ip(at);
	net->vlan_id = u16(at);
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

static void read_network(cursor *at, instance_row *row, instance_make *make, vlan_facts *net)
{
	read_shared(at, &make->vlan);
	net->vrf = u16(at);
	net->mtu = u16(at);
	net->isolated = flag(at);
	read_resolvers(at, net);
	COPY(at, net->dns_search);
	row->v6.address = ip(at);
	net->v6.prefix = u8(at);
	net->v6.gateway = ip(at);
	row->v6.generation = u64(at);
	make->bandwidth_kbit = u32(at);
	make->bandwidth_own = flag(at);
	net->settings = u64(at);
	instance_make_set_net(make, at->l->shared, net);
}

static void read_observed(cursor *at, instance_row *row, instance_make *make)
{
	row->observed_generation = u64(at);
	row->observed_restart_seq = u32(at);
	read_shared(at, &make->observed_version);
	row->container = container_ref_of(text(at));
	row->restarts = u32(at);
	read_shared(at, &make->error);
	row->started_unix_ms = number(at, 0, INT64_MAX);
	row->observed_unix_ms = number(at, 0, INT64_MAX);
	row->created_unix_ms = number(at, 0, INT64_MAX);
	row->updated_unix_ms = number(at, 0, INT64_MAX);
}

enum { INSTANCES_AT_A_TIME = 5000 };

static void on_instances(void *self, const store_result *res)
{
	loader *reading = self;

	reading->instances_read = store_rows(res);
	EACH_ROW(at)
	{
		instance_row row = {.id = id(&at)};
		vlan_facts net;
		memset(&net, 0, sizeof(net)); /* padding too: shared by its bytes */
		instance_make make = instance_make_new(at.l->shared);
		make.app_id = id(&at);
		make.group_id = id(&at);
		row.number = u32(&at);
		read_alone(&at, &row.name);
		WORD(&at, instance_state_parse, row.state);
		WORD(&at, health_parse, row.health);
		WORD(&at, desired_parse, row.desired);
		row.generation = u64(&at);
		row.restart_seq = u32(&at);
		row.host_id = id(&at);
		read_address(&at, &row, &net);
		make.cpu_milli = u32(&at);
		make.memory_bytes = u64(&at);
		make.disk_bytes = u64(&at);
		read_shared(&at, &make.image);
		read_shared(&at, &make.version);
		read_observed(&at, &row, &make);
		read_network(&at, &row, &make, &net);
		row.moving_to = id(&at);
		read_shared(&at, &make.plan);
		row.rebuild_seq = u32(&at);
		read_shared(&at, &make.middleware);
		instance_remake(&row.make, at.l->shared, &make);
		at.l->last_instance = row.id;
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_instance(at.l->c, &row, &at.l->err));
		instance_row_clear(&row);
	}
}

/* Comma between. */
static void read_targets(cursor *at, operation_row *row)
{
	sot_str list = text(at), one;

	if (list.n == 0)
		return;
	row->targets = sot_alloc_array(list.n / 36 + 1, sizeof(*row->targets));
	for (; list.n > 0 && at->l->code == SOT_OK; row->target_count++) {
		one = sot_str_cut(list, ',', &list);
		note(at->l, sot_uuid_parse(one, &row->targets[row->target_count], &at->l->err));
	}
}

static void read_more_of_operation(cursor *at, operation_row *row)
{
	read_shared(at, &row->reason);
	row->parent_id = id(at);
	row->retry_of = id(at);
	row->position = u64(at);
	read_targets(at, row);
	row->parallel = u32(at);
	row->failures_max = u32(at);
	row->children.total = u32(at);
	row->children.done = u32(at);
	row->children.failed = u32(at);
	row->children.cancelled = u32(at);
	read_alone(at, &row->error);
	read_shared(at, &row->cancelled_by);
	row->started_unix_ms = number(at, 0, INT64_MAX);
}

static void on_operations(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		operation_row row = {.id = id(&at)};
		operation_row_init(&row);
		WORD(&at, operation_kind_parse, row.kind);
		row.app_id = id(&at);
		read_alone(&at, &row.target);
		read_shared(&at, &row.actor);
		read_alone(&at, &row.key);
		digest(&at, row.request_sha256);
		row.resource_id = id(&at);
		row.spec = sot_strndup(text(&at));
		read_shared(&at, &row.version);
		row.count = u32(&at);
		WORD(&at, operation_state_parse, row.state);
		read_alone(&at, &row.waits_for);
		row.progress_done = u32(&at);
		row.progress_total = u32(&at);
		read_more_of_operation(&at, &row);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.updated_unix_ms = number(&at, 0, INT64_MAX);
		uint64_t next_line = u64(&at);
		read_alone(&at, &row.to_host);
		read_shared(&at, &row.plan);
		read_alone(&at, &row.bandwidth);
		read_shared(&at, &row.image);
		row.include_pinned = flag(&at);
		row.deadline_s = u32(&at);
		read_shared(&at, &row.group);
		WORD(&at, scale_pick_parse, row.pick);
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
		read_alone(&at, &row.subject);
		WORD(&at, operation_state_parse, row.state);
		read_alone(&at, &row.detail);
		row.started_unix_ms = number(&at, 0, INT64_MAX);
		row.finished_unix_ms = number(&at, 0, INT64_MAX);
		row.batch = u16(&at);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_step(at.l->c, &row, &at.l->err));
		step_row_clear(&row);
	}
}

static void on_keys(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		key_row row = {.actor = ""};
		COPY(&at, row.actor);
		COPY(&at, row.key);
		digest(&at, row.used.request_sha256);
		row.used.operation_id = id(&at);
		row.used.resource_id = id(&at);
		controller_load_key(at.l->c, &row);
	}
}

/* ---- the transaction ---- */

static void allow(void *self, const host_row *row)
{
	scheduler_allow_host(
	    self, row->public_key, row->id, row->revoked || row->state == HOST_RETIRED);
}

static controller *new_controller(scheduler *s, uint64_t epoch)
{
	const scheduler_config *from = s->config;
	controller_config config = controller_config_default(epoch);
	uint64_t seed;

	config.suspect_after_ms = from->suspect_after_ms;
	config.lost_after_ms = from->lost_after_ms;
	config.retry_ms = from->retry_ms;
	config.sweep_ms = from->sweep_ms;
	config.wait_deadline_ms = from->wait_deadline_ms;
	config.start_deadline_ms = from->start_deadline_ms;
	config.healthy_deadline_ms = from->healthy_deadline_ms;
	config.stop_deadline_ms = from->stop_deadline_ms;
	config.failure_grace_ms = from->failure_grace_ms;
	config.load_limit_permille = (uint16_t)from->load_limit_permille;
	config.starts_per_host = (uint32_t)from->starts_per_host;
	config.starts_per_rack = (uint32_t)from->starts_per_rack;
	config.starts_in_all = (uint32_t)from->starts_in_all;
	config.pulls_per_image = (uint32_t)from->pulls_per_image;
	config.syncs_per_s = (uint32_t)from->syncs_per_s;
	config.queue_max = (uint32_t)from->queue_max;
	config.operations_max = (uint32_t)from->operations_max;
	config.grace_ms = from->grace_ms;
	config.witness_interval_ms = from->witness_interval_ms;
	config.brake_hosts = from->brake_hosts;
	config.brake_percent = from->brake_percent;
	config.brake_window_ms = from->brake_window_ms;
	config.rebalance_check_ms = from->rebalance_check_ms;
	config.idle_cpu_permille = (uint64_t)from->idle_cpu_permille;
	config.idle_net_bytes_per_s = (uint64_t)from->idle_net_bytes_per_s;
	config.zone_find = time_zones_find;
	config.zone_self = s;
	sot_rand_bytes(&seed, sizeof(seed));
	return controller_new(&config, seed);
}

typedef struct loaded_table {
	int statement;
	store_rows_fn on_rows;
} loaded_table;

static void ask(loader *l, store_tx **tx, store_done_fn done)
{
	sot_err err;

	if (store_commit(tx, done, l, &err) == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "take_over.not_asked", &err, "%s", "");
	leadership_lose(l->s, true, "the database's queue is full");
}

/* A part of the rows may take longer than a commit may: who gave up would begin again, for ever. */
static store_tx *begin_part(const loader *l)
{
	int64_t deadline_ms = l->s->config->load_deadline_ms;
	store_tx *tx = store_begin_read(l->s->store);
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, deadline_ms);
	store_set_deadline_ms(tx, deadline_ms);
	store_query(tx, SCHEDULER_SQL_ALLOW_LONG_READ, NULL, NULL);
	store_arg_c(tx, text);
	return tx;
}

static void ask_tables(loader *l, const loaded_table *tables, size_t count, store_done_fn done)
{
	store_tx *tx = begin_part(l);

	for (size_t k = 0; k < count; k++)
		store_query(tx, tables[k].statement, tables[k].on_rows, l);
	ask(l, &tx, done);
}

/* False when the take-over ends here: rows could not be read, or not be understood. */
static bool goes_on(loader *l, const store_outcome *outcome)
{
	scheduler *s = l->s;

	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "take_over.unread", outcome->why, "epoch=%" PRIu64, l->epoch);
		leadership_lose(s, true, "the rows could not be read");
		return false;
	}
	if (l->code != SOT_OK) {
		sot_log_err(SOT_ERROR, "take_over.bad_row", &l->err, "epoch=%" PRIu64, l->epoch);
		leadership_lose(s, true, "a row could not be understood");
		return false;
	}
	return true;
}

static void on_loaded(void *self, const store_outcome *outcome)
{
	loader *l = self;
	scheduler *s = l->s;

	if (!goes_on(l, outcome))
		return;
	SOT_FAILPOINT_HIT("scheduler.take_over.loaded");
	s->c = SOT_TAKE(l->c);
	s->load = load_free(l);
	controller_loaded(s->c, scheduler_now(s));
	controller_each_host(s->c, allow, s);
	(void)malloc_trim(0); /* rows as they came, and arrays that grew: what they took goes back */
	sot_metric_set(s->metrics.leading, 1);
	controller_stats stats = controller_get_stats(s->c);
	sot_log(SOT_INFO, "leading", "epoch=%" PRIu64 " hosts=%zu instances=%zu operations=%zu",
	    s->epoch, stats.hosts, stats.instances, stats.operations_open);
	SOT_FAILPOINT_HIT("scheduler.take_over.leading");
	s->refused.led_since = reactor_now(s->r);
	pipeline_tell_refused(s);
	scheduler_settle(s);
}

static void ask_instances(loader *l, store_done_fn done)
{
	store_tx *tx = begin_part(l);

	l->instances_read = 0;
	store_query(tx, SCHEDULER_SQL_LOAD_INSTANCES, on_instances, l);
	store_arg_uuid(tx, l->last_instance);
	store_arg_i64(tx, INSTANCES_AT_A_TIME);
	ask(l, &tx, done);
}

/* In parts, so that the lease is renewed and memory holds no copy of all rows. Nobody else writes
 * them: what the last leader had under way ended before the epoch began. */
static void on_instances_read(void *self, const store_outcome *outcome)
{
	static const loaded_table rest[] = {
	    {SCHEDULER_SQL_LOAD_ELASTICS, load_on_elastics},
	    {SCHEDULER_SQL_LOAD_ELASTIC_RULES, load_on_elastic_rules},
	    {SCHEDULER_SQL_LOAD_DEPARTURES, load_on_departures},
	    {SCHEDULER_SQL_LOAD_BRAKE, load_on_brake},
	    {SCHEDULER_SQL_LOAD_OPERATIONS, on_operations},
	    {SCHEDULER_SQL_LOAD_ROLLOUTS, load_on_rollouts},
	    {SCHEDULER_SQL_LOAD_STEPS, on_steps},
	    {SCHEDULER_SQL_LOAD_KEYS, on_keys},
	};
	loader *l = self;

	if (!goes_on(l, outcome))
		return;
	if (l->instances_read == INSTANCES_AT_A_TIME)
		ask_instances(l, on_instances_read);
	else
		ask_tables(l, rest, sizeof(rest) / sizeof(rest[0]), on_loaded);
}

static void on_tables_read(void *self, const store_outcome *outcome)
{
	loader *l = self;

	if (goes_on(l, outcome))
		ask_instances(l, on_instances_read);
}

void load_begin(scheduler *s, uint64_t epoch)
{
	static const loaded_table tables[] = {
	    {SCHEDULER_SQL_LOAD_PLANS, load_on_plans},
	    {SCHEDULER_SQL_LOAD_TEAMS, load_on_teams},
	    {SCHEDULER_SQL_LOAD_HOST_CLASSES, load_on_host_classes},
	    {SCHEDULER_SQL_LOAD_MIXING, load_on_mixing},
	    {SCHEDULER_SQL_LOAD_IMAGES, on_images},
	    {SCHEDULER_SQL_LOAD_IMAGE_VERSIONS, load_on_image_versions},
	    {SCHEDULER_SQL_LOAD_HOSTS, on_hosts},
	    {SCHEDULER_SQL_LOAD_ENV, on_env},
	    {SCHEDULER_SQL_LOAD_APPS, on_apps},
	    {SCHEDULER_SQL_LOAD_GROUPS, load_on_groups},
	    {SCHEDULER_SQL_LOAD_VERSIONS, load_on_versions},
	    {SCHEDULER_SQL_LOAD_MIDDLEWARE, load_on_middleware},
	};
	loader *l = sot_alloc(sizeof(*l));

	s->epoch = epoch;
	purge_old(s);
	*l = (loader){
	    .s = s, .epoch = epoch, .c = new_controller(s, epoch), .shared = shared_pool_new()};
	s->load = l;
	SOT_FAILPOINT_HIT("scheduler.take_over.before_load");
	ask_tables(l, tables, sizeof(tables) / sizeof(tables[0]), on_tables_read);
}

/* ---- keys ---- */

static void on_host_keys(void *self, const store_result *res)
{
	scheduler *s = self;
	char key[BUS_KEY_TEXT];
	sot_uuid host_id;
	bool denied;
	sot_err err;

	for (size_t row = 0; row < store_rows(res); row++) {
		if (store_uuid(res, row, 0, &host_id, &err) == SOT_OK &&
		    sot_str_copy(store_text(res, row, 1), key, sizeof(key), &err) == SOT_OK &&
		    store_bool(res, row, 2, &denied, &err) == SOT_OK)
			scheduler_allow_host(s, key, host_id, denied);
	}
	host_keys_keep_stamp(&s->keys_stamp, res);
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
	store_arg_c(tx, s->keys_stamp.text);
	if (store_commit(&tx, side_work_done, s, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "keys.not_read", &err, "%s", "");
}
