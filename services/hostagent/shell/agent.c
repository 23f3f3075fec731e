#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cat_files.h"
#include "checks.h"
#include "cleanup.h"
#include "disks.h"
#include "docker_junk.h"
#include "exec_link.h"
#include "fitness.h"
#include "ipam_link.h"
#include "layout.h"
#include "neighbours.h"
#include "notes.h"
#include "reports.h"
#include "rotation.h"
#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"
#include "sot_rand.h"
#include "ssh_link.h"
#include "ssh_logins.h"
#include "steps.h"
#include "stock.h"
#include "sweeper.h"
#include "taken.h"
#include "uplink.h"
#include "views.h"
#include "watch.h"
#include "wiring.h"
#include "witness.h"

enum { ASSIGNMENT_MAX = 256 * 1024 * 1024, IDLE_WAKE_MS = 60000, RESOLV_MAX = 8192 };

static const sot_config_key config_keys[] = {
#define CONFIG(name, type, text, min, max, doc)                                                    \
	SOT_CONFIG_ROW(agent_config, name, type, text, min, max, doc)
#include "config.def"
#undef CONFIG
};

sot_code agent_config_load(int argc, char **argv, agent_config *ret, bool *ret_exit, sot_err *err)
{
	return sot_config_load("hostagent", config_keys, sizeof(config_keys) / sizeof(config_keys[0]),
	    argc, argv, ret, ret_exit, err);
}

/* ---- the turn of the crank ---- */

static void tell_statuses(agent *a)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(a->reconcile, &it)) != NULL;) {
		sot_instance_status status = instance_status(i);
		status_feed_put(a->feed, &status);
	}
	uplink_tell(a->uplink);
}

static void pump(void *self)
{
	agent *a = self;
	sot_mono now = reactor_now(a->loop);
	a->pump_queued = false;
	if (!a->draining)
		reconcile_claim(a->reconcile, a->probes, now);
	ipam_link_pump(a->ipam);
	neighbours_pump(a->neighbours);
	while (!a->draining) {
		action next = reconcile_next(a->reconcile, now);
		if (next.kind == ACTION_NONE)
			break;
		steps_begin(a, &next);
	}
	stock_pump(a->stock);
	checks_pump(a->checks);
	taken_store(a);
	tell_statuses(a);
	int64_t due_ms = reconcile_next_due_ms(a->reconcile, now);
	reactor_rearm_ms(a->wake, due_ms < IDLE_WAKE_MS ? due_ms : IDLE_WAKE_MS);
	if (a->draining && a->steps_in_flight == 0)
		reactor_stop(a->loop);
}

void agent_pump(agent *a)
{
	if (a->ending)
		return;
	if (!a->pump_queued)
		reactor_defer(a->loop, pump, a);
	a->pump_queued = true;
}

static void on_wake(void *self, uint64_t missed)
{
	(void)missed;
	agent_pump(self);
}

/* Instances that the set no longer names are told no more. */
static void forget_statuses(agent *a)
{
	a->feed = status_feed_free(a->feed);
	a->feed = status_feed_new();
}

void agent_take_desired(agent *a)
{
	size_t before = reconcile_count(a->reconcile);
	wiring_take_desired(a->wiring);
	reconcile_set_desired(a->reconcile, a->desired, reactor_now(a->loop));
	if (reconcile_count(a->reconcile) < before)
		forget_statuses(a);
	neighbours_changed(a->neighbours);
	container_watch_refresh_unsettled(a);
	ipam_link_changed(a->ipam);
}

void agent_drain(agent *a)
{
	a->draining = true;
	agent_pump(a);
}

bool agent_is_healthy(void *self, sot_buf *reasons)
{
	agent *a = self;
	if (!a->docker_ok)
		sot_buf_add_c(reasons, "the Docker Engine does not answer\n");
	if (!uplink_is_up(a->uplink))
		sot_buf_add_c(reasons, "no scheduler leads this host; instances go on as they are\n");
	bool is_wired = wiring_is_healthy(a->wiring, reasons);
	return a->docker_ok && uplink_is_up(a->uplink) && is_wired;
}

/* ---- start ---- */

static sot_code read_line(
    const char *folder, const char *name, sot_buf *text, sot_str *ret, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	sot_str rest;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	sot_buf_init(text, 4096);
	sot_code code = sot_file_read(path, text, err);
	if (code == SOT_OK)
		*ret = sot_str_cut(sot_buf_str(text), '\n', &rest);
	return code;
}

static sot_code read_identity(agent *a, sot_err *err)
{
	SOT_AUTO_BUF id_text, boot_text;
	sot_str id = {0}, boot = {0};
	sot_buf_init(&boot_text, 64);
	sot_code code = read_line(a->config->state_dir, "host.id", &id_text, &id, err);
	if (code == SOT_OK)
		code = sot_uuid_parse(id, &a->host_id, err);
	if (code != SOT_OK)
		return sot_wrap(err, "register this host first: host.id in state_dir");
	code = read_line("/proc/sys/kernel/random", "boot_id", &boot_text, &boot, err);
	if (code == SOT_OK)
		code = sot_str_copy(boot, a->boot_id, sizeof(a->boot_id), err);
	sot_rand_bytes(&a->start_id, sizeof(a->start_id));
	return code;
}

/* What was promised to the scheduler is read back; a file that cannot be read is set aside, never
 * taken for an empty set: nothing is removed on its account. */
static sot_code restore_desired(agent *a, sot_err *err)
{
	char path[PLAN_PATH_MAX], aside[PLAN_PATH_MAX + 16];
	SOT_AUTO_BUF bytes;
	sot_buf_init(&bytes, ASSIGNMENT_MAX);
	(void)snprintf(path, sizeof(path), "%s/assignment.bin", a->config->state_dir);
	sot_code code = sot_file_read(path, &bytes, err);
	if (code == SOT_NOT_FOUND)
		return SOT_OK;
	if (code == SOT_OK)
		code = desired_restore(a->desired, sot_buf_str(&bytes), err);
	if (code == SOT_INVALID) {
		(void)snprintf(aside, sizeof(aside), "%s.damaged", path);
		sot_log_err(SOT_ERROR, "assignment.damaged", err, "moved_to=%s", aside);
		return rename(path, aside) == 0 ? SOT_OK : code;
	}
	return code;
}

static sot_code open_bus(agent *a, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	bus_keypair keys;
	(void)snprintf(path, sizeof(path), "%s/agent.key", a->config->state_dir);
	sot_code code = bus_keypair_load(path, &keys, err);
	if (code != SOT_OK)
		return sot_wrap(err, "make the key with --keygen=%.80s", path);
	return bus_new(a->loop, &keys, &a->bus, err);
}

/* The processors that are online; when they cannot be told, none is, and no instance is bound. */
static void read_processors(agent *a)
{
	cpus online = {{0}};
	sot_str text = {0};
	sot_err err = {0};
	SOT_AUTO_BUF bytes;
	sot_code code = read_line("/sys/devices/system/cpu", "online", &bytes, &text, &err);
	if (code == SOT_OK)
		code = cpus_parse(text, &online, &err);
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "processors.unknown", &err, "%s", "");
	reconcile_set_processors(a->reconcile, &online);
}

/* Instances of VLANs without resolvers have the host's. A host without that file has none. */
static void read_resolv(agent *a)
{
	sot_err err = {0};
	if (sot_file_read("/etc/resolv.conf", &a->host_resolv, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "resolvers.unknown", &err, "%s", "");
	reconcile_set_resolv(a->reconcile, sot_buf_str(&a->host_resolv));
}

static void make_core(agent *a)
{
	static const reconcile_limits limits = {.pulls = 2, .fetches = 2, .starts = 4, .others = 8};
	packages_options options = {.loop = a->loop,
	    .http = a->http,
	    .state_dir = a->config->state_dir,
	    .gateways = a->gateways,
	    .gateway_ca = a->config->gateway_ca};
	a->docker = docker_new(a->http, a->config->docker_socket);
	a->packages = packages_new(&options);
	a->reconcile = reconcile_new(a->config->state_dir, a->vlans, limits, a->start_id);
	read_processors(a);
	read_resolv(a);
	a->feed = status_feed_new();
	a->wake = reactor_after_ms(a->loop, 0, on_wake, a);
}

static sot_code check_cat_servers(const agent *a, sot_err *err)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 8192);
	return cat_files_render(a->config->cat_servers, &text, err);
}

static sot_code start(agent *a, sot_err *err)
{
	sot_code code = check_cat_servers(a, err);
	if (code == SOT_OK)
		code = cleanup_check_ages(a->config->cleanup_ages, err);
	if (code == SOT_OK)
		code = gateways_new(a->config->gateway_url, a->start_id, &a->gateways, err);
	if (code == SOT_OK)
		code = layout_prepare(a->config->state_dir, err);
	if (code == SOT_OK)
		code = read_identity(a, err);
	if (code == SOT_OK)
		code = restore_desired(a, err);
	if (code == SOT_OK)
		code = wiring_new(a, &a->wiring, err);
	if (code == SOT_OK)
		code = open_bus(a, err);
	if (code == SOT_OK)
		code = http_client_new(a->loop, &a->http, err);
	if (code != SOT_OK)
		return code;
	make_core(a);
	code = uplink_new(a, &a->uplink, err);
	if (code == SOT_OK)
		code = reports_new(a, &a->reports, err);
	if (code == SOT_OK)
		code = neighbours_new(a, &a->neighbours, err);
	if (code == SOT_OK)
		code = ipam_link_new(a, &a->ipam, err);
	if (code == SOT_OK)
		code = witness_new(a, &a->witness, err);
	if (code == SOT_OK)
		code = exec_link_new(a, &a->exec, err);
	if (code != SOT_OK)
		return code;
	a->watch = container_watch_new(a);
	a->checks = checks_new(a);
	a->rotation = rotation_new(a);
	a->views = views_new(a);
	a->logins = ssh_logins_new(a);
	a->ssh = ssh_link_new(a);
	a->notes = notes_new(a);
	a->junk = docker_junk_new(a);
	a->disks = disks_new(a);
	a->sweeper = sweeper_new(a);
	a->fitness = fitness_new(a);
	a->stock = stock_new(a);
	agent_take_desired(a);
	taken_recall(a);
	return SOT_OK;
}

sot_code agent_new(reactor *loop, const agent_config *config, agent **ret, sot_err *err)
{
	agent *a = sot_alloc(sizeof(*a));
	a->loop = loop;
	a->config = config;
	a->desired = desired_new();
	sot_buf_init(&a->host_resolv, RESOLV_MAX);
	a->vlans = vlans_new();
	a->probes = probes_new();
	a->strangers = strangers_new();
	sot_code code = start(a, err);
	if (code != SOT_OK) {
		agent_free(a);
		return code;
	}
	sot_log(SOT_INFO, "agent.started", "host=%s generation=%llu instances=%zu", config->host_name,
	    (unsigned long long)desired_generation(a->desired), desired_count(a->desired));
	*ret = a;
	return SOT_OK;
}

agent *agent_free(agent *a)
{
	if (!a)
		return NULL;
	a->ending = true;
	a->http = http_client_free(a->http); /* first: no answer may reach what follows */
	a->docker = docker_free(a->docker);  /* second: the owners of open calls let go of them */
	a->reports = reports_free(a->reports);
	a->uplink = uplink_free(a->uplink);
	a->ipam = ipam_link_free(a->ipam);
	a->exec = exec_link_free(a->exec);
	a->witness = witness_free(a->witness);
	a->neighbours = neighbours_free(a->neighbours);
	a->fitness = fitness_free(a->fitness);
	a->stock = stock_free(a->stock);
	a->sweeper = sweeper_free(a->sweeper);
	a->disks = disks_free(a->disks);
	a->junk = docker_junk_free(a->junk);
	a->notes = notes_free(a->notes);
	a->views = views_free(a->views);
	a->logins = ssh_logins_free(a->logins);
	a->ssh = ssh_link_free(a->ssh);
	a->rotation = rotation_free(a->rotation);
	a->checks = checks_free(a->checks);
	a->watch = container_watch_free(a->watch);
	reactor_remove(a->wake);
	a->bus = bus_free(a->bus);
	a->packages = packages_free(a->packages);
	a->reconcile = reconcile_free(a->reconcile);
	a->feed = status_feed_free(a->feed);
	a->desired = desired_free(a->desired);
	a->wiring = wiring_free(a->wiring);
	a->vlans = vlans_free(a->vlans);
	a->probes = probes_free(a->probes);
	a->strangers = strangers_free(a->strangers);
	a->gateways = gateways_free(a->gateways);
	sot_buf_clear(&a->host_resolv);
	sot_buf_clear(&a->taken);
	free(a);
	return NULL;
}
