/* POST /v1/host-notes: what a host's agent has to tell besides its reports. What clean-up freed, by
 * policy, is added up and told as one event a run; an instance that passes the disk of its plan, or
 * is within it again, is an event. */
#include "gw_hub.h"
#include "gw_sql.h"
#include "gw_ssh.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <stdlib.h>

typedef struct notes {
	int64_t news, known, foreign;
} notes;

static void on_result(void *self, const store_result *res)
{
	notes *n = self;
	int64_t result = 0;
	if (store_rows(res) != 1 || store_i64(res, 0, 0, &result, NULL) != SOT_OK)
		return;
	*(result > 0 ? &n->news : result == 0 ? &n->known : &n->foreign) += 1;
}

static void on_noted(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const notes *n = c->state;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 256);
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (n->foreign > 0)
		sot_log(SOT_WARN, "host.foreign_notes", "caller=%s count=%lld effect=dropped",
		    c->caller.actor, (long long)n->foreign);
	if (n->news > 0)
		gw_hub_poke(c->g->hub);
	sot_buf_printf(&body, "{\"new\":%lld,\"known\":%lld,\"foreign\":%lld}\n", (long long)n->news,
	    (long long)n->known, (long long)n->foreign);
	call_json(c, 200, sot_buf_str(&body));
}

static void add_freed(gw_call *c, store_tx *tx, const json_t *body)
{
	char *freed = json_dumps(json_object_get(body, "freed"), JSON_COMPACT);
	store_query(tx, GW_SQL_NOTE_CLEANUP, on_result, c->state);
	store_arg_c(tx, c->caller.name);
	store_arg_str(tx, gw_json_text(body, "run"));
	store_arg_str(tx, gw_json_text(body, "mode"));
	store_arg_c(tx, freed);
	free(freed);
}

static void add_disk(gw_call *c, store_tx *tx, const json_t *item, sot_uuid instance)
{
	store_query(tx, GW_SQL_NOTE_DISK, on_result, c->state);
	store_arg_c(tx, c->caller.name);
	store_arg_uuid(tx, instance);
	store_arg_bool(tx, gw_json_bool(item, "over", false));
	store_arg_i64(tx, gw_json_int(item, "usedBytes", 0));
	store_arg_i64(tx, gw_json_int(item, "planBytes", 0));
	store_arg_str(tx, gw_json_text(item, "action"));
}

static void begin(gw_call *c, const json_t *body)
{
	const json_t *disks = json_object_get(body, "disks");
	store_tx *tx = store_begin(c->g->db);
	sot_err err = {0};
	c->state = sot_alloc(sizeof(notes));
	c->state_free = free;
	if (json_array_size(json_object_get(body, "freed")) > 0)
		add_freed(c, tx, body);
	for (size_t i = 0; i < json_array_size(disks); i++) {
		const json_t *item = json_array_get(disks, i);
		sot_uuid instance;
		if (sot_uuid_parse(gw_json_text(item, "instance"), &instance, &err) != SOT_OK) {
			(void)store_tx_free(tx);
			call_fail(c, &err);
			return;
		}
		add_disk(c, tx, item, instance);
	}
	if (store_commit(&tx, on_noted, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_host_maintenance_set(gw_call *c)
{
	command_run(c, NULL);
}

void serve_rack_maintenance_set(gw_call *c)
{
	command_run(c, NULL);
}

void serve_host_notes(gw_call *c)
{
	json_t *body;
	if (!ssh_is_agent(c) || call_body(c, &body) != SOT_OK)
		return;
	begin(c, body);
	json_decref(body);
}
