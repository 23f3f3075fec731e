/* GET /v1/hosts/{name}/usage and /v1/instances/{name}/usage: the scheduler relays to the host's
 * agent, which answers with the reports that it published last. */
#include "gw_relay.h"

#include "sot_proto.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Only reports that name a host or instance are here; all numbers are below 2^63. */
#define N(value) ((json_int_t)(value))

static const char *address_text(sot_ip address, char text[static SOT_IP_TEXT])
{
	return sot_ip_is_none(address) ? NULL : sot_ip_format(address, text);
}

static void put(json_t *o, const char *name, uint64_t value)
{
	(void)json_object_set_new(o, name, json_integer(N(value)));
}

static json_t *instance_json(const sot_instance_report *m, int64_t at_unix_ms)
{
	char id[SOT_UUID_TEXT], address[SOT_IP_TEXT];
	json_t *o = json_pack("{s:s,s:s%,s:s%,s:s?,s:b,s:b,s:s,s:b,s:I}", "id",
	    sot_uuid_format(m->instance_id, id), "name", m->name.p, m->name.n, "app", m->app.p,
	    m->app.n, "address", address_text(m->address, address), "running", m->running, "frozen",
	    m->frozen, "health", sot_health_name(m->health), "ownView", m->own_view, "atUnixMs",
	    N(at_unix_ms));
	put(o, "cpuMilli", m->cpu_used_milli);
	put(o, "cpuLimitMilli", m->cpu_limit_milli);
	put(o, "cpuThrottledPermille", m->cpu_throttled_permille);
	put(o, "memoryWorkingSetBytes", m->memory_working_set_bytes);
	put(o, "memoryRssBytes", m->memory_rss_bytes);
	put(o, "memoryCacheBytes", m->memory_cache_bytes);
	put(o, "memoryLimitBytes", m->memory_limit_bytes);
	put(o, "memoryLimitHits", m->memory_failcnt);
	put(o, "oomKills", m->oom_kills);
	put(o, "pids", m->pids);
	put(o, "pidsMax", m->pids_max);
	put(o, "diskUsedBytes", m->disk_used_bytes);
	put(o, "diskLimitBytes", m->disk_limit_bytes);
	put(o, "rxBytesPerSecond", m->rx_bytes_per_s);
	put(o, "txBytesPerSecond", m->tx_bytes_per_s);
	put(o, "rxDropped", m->rx_dropped);
	put(o, "readBytesPerSecond", m->read_bytes_per_s);
	put(o, "writeBytesPerSecond", m->write_bytes_per_s);
	put(o, "uptimeSeconds", m->uptime_s);
	put(o, "checksOk", m->checks_ok);
	put(o, "checksFailed", m->checks_failed);
	return o;
}

static json_t *host_json(const sot_host_report *m)
{
	json_t *o = json_pack("{s:s%,s:I,s:b,s:b,s:b,s:I}", "name", m->host_name.p, m->host_name.n,
	    "atUnixMs", N(m->at_unix_ms), "dockerOk", m->docker_ok, "viewUp", m->view_up,
	    "clockSynchronised", m->clock_synchronised, "clockOffsetUs", N(m->clock_offset_us));
	put(o, "intervalMs", m->interval_ms);
	put(o, "cpuCores", m->cpu_cores);
	put(o, "cpuUserPermille", m->cpu_user_permille);
	put(o, "cpuSystemPermille", m->cpu_system_permille);
	put(o, "cpuIowaitPermille", m->cpu_iowait_permille);
	put(o, "cpuStealPermille", m->cpu_steal_permille);
	put(o, "load1Milli", m->load1_milli);
	put(o, "load5Milli", m->load5_milli);
	put(o, "load15Milli", m->load15_milli);
	put(o, "memoryTotalBytes", m->memory_total_bytes);
	put(o, "memoryAvailableBytes", m->memory_available_bytes);
	put(o, "swapTotalBytes", m->swap_total_bytes);
	put(o, "swapFreeBytes", m->swap_free_bytes);
	put(o, "diskTotalBytes", m->disk_total_bytes);
	put(o, "diskFreeBytes", m->disk_free_bytes);
	put(o, "rootFreeBytes", m->root_free_bytes);
	put(o, "inodeUsedPermille", m->inode_used_permille);
	put(o, "readBytesPerSecond", m->disk_read_bytes_per_s);
	put(o, "writeBytesPerSecond", m->disk_write_bytes_per_s);
	put(o, "rxBytesPerSecond", m->rx_bytes_per_s);
	put(o, "txBytesPerSecond", m->tx_bytes_per_s);
	put(o, "dockerPingMs", m->docker_ping_ms);
	put(o, "containersRunning", m->containers_running);
	put(o, "containersTotal", m->containers_total);
	return o;
}

/* What the agent says is JSON; should it be none, nothing is passed on as if it were. */
static json_t *findings_json(sot_str text)
{
	json_t *list = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	if (json_is_array(list))
		return list;
	json_decref(list);
	return json_array();
}

/* Of one instance only when `wanted` (a name or id) is given. */
static sot_code add_instances(
    sot_str frame, const char *wanted, sot_arena *arena, json_t *list, sot_err *err)
{
	struct sot_instance_reports m;
	sot_code code = sot_instance_reports_decode(frame, arena, &m, err);
	for (size_t i = 0; code == SOT_OK && i < m.instances_count; i++) {
		char id[SOT_UUID_TEXT];
		const sot_instance_report *r = &m.instances[i];
		if (!wanted || sot_str_eq_c(r->name, wanted) ||
		    strcmp(sot_uuid_format(r->instance_id, id), wanted) == 0)
			(void)json_array_append_new(list, instance_json(r, m.at_unix_ms));
	}
	return code;
}

static void answer(gw_call *c, const struct sot_usage *usage, sot_arena *arena)
{
	bool is_host = c->match.route->id == GW_ROUTE_host_usage;
	struct sot_host_report host;
	sot_err err = {0};
	json_t *items = json_array(), *body = NULL;
	sot_code code = SOT_OK;
	if (usage->host.n == 0)
		code = sot_fail(&err, SOT_UNAVAILABLE, "the agent has just started; try again in a moment");
	for (size_t i = 0; code == SOT_OK && i < usage->instances_count; i++)
		code = add_instances(
		    usage->instances[i], is_host ? NULL : c->match.params[0], arena, items, &err);
	if (code == SOT_OK)
		code = sot_host_report_decode(usage->host, arena, &host, &err);
	if (code == SOT_OK && is_host)
		body = json_pack("{s:o,s:O,s:o}", "host", host_json(&host), "items", items, "findings",
		    findings_json(usage->findings));
	else if (code == SOT_OK && json_array_size(items) == 1)
		body = json_incref(json_array_get(items, 0));
	else if (code == SOT_OK)
		code = sot_fail(&err, SOT_UNAVAILABLE, "it was not reported yet; try again in a moment");
	json_decref(items);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	if (text)
		call_json(c, 200, sot_str_c(text));
	else
		call_problem(c, 503, "unavailable", "no figures: %s", err.text);
	free(text);
	json_decref(body);
}

static bool take(gw_call *c, sot_str frame, sot_arena *arena)
{
	struct sot_usage usage;
	if (sot_usage_decode(frame, arena, &usage, NULL) != SOT_OK)
		return false;
	answer(c, &usage, arena);
	return true;
}

static void ask(gw_call *c, sot_str host, sot_str instance)
{
	static const gw_relay relay = {"no figures", SOT_MSG_USAGE, take};
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	struct sot_usage_read m = {bus_next_request_id(c->g->bus), host, instance};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_usage_read_encode(&m, &frame, &err) != SOT_OK)
		call_problem(c, 400, "invalid", "%s", err.text);
	else
		gw_relay_ask(c, &relay, m.request_id, sot_buf_str(&frame));
}

void serve_host_usage(gw_call *c)
{
	ask(c, sot_str_c(c->match.params[0]), (sot_str){0});
}

void serve_instance_usage(gw_call *c)
{
	ask(c, (sot_str){0}, sot_str_c(c->match.params[0]));
}
