#include "uplink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "docker_json.h"
#include "fitness.h"
#include "look_inside.h"
#include "look_packages.h"
#include "reports.h"
#include "rotation.h"
#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"
#include "stock.h"
#include "witness.h"

enum {
	SCHEDULERS_MAX = 8,
	ARENA_MAX = 8 * 1024 * 1024,
	ASSIGNMENT_MAX = 256 * 1024 * 1024,
	STATUS_AGAIN_MS = 2000,
	LOGS_MS = 10000,
	LOGS_BODY_MAX = 16 * 1024 * 1024,
	LOG_TEXT_MAX = 262144,
	LOGS_ONWARD_MAX =
	    2 * LOG_TEXT_MAX, /* with the heads of frames, so that it is more than is told */
	USAGE_PARTS_MAX = 8,
	LOOK_MS = 4000,
	DISK_TOLERANCE = 64 /* a 64th */
};

typedef struct scheduler_link {
	uplink *u;
	bus_client *client;
	char endpoint[200];
} scheduler_link;

/* What a hello tells of the machine, as far as it can change while the agent runs. */
typedef struct machine_facts {
	char docker_version[sizeof(((agent *)0)->docker_version)];
	uint32_t cpu_milli;
	uint64_t memory_bytes, disk_bytes;
} machine_facts;

struct uplink {
	agent *a;
	scheduler_link links[SCHEDULERS_MAX];
	size_t link_count;
	scheduler_link *leader; /* the last that spoke as leader */
	reactor_watch *heartbeat, *again;
	bool status_in_flight;
	bool engine_asked; /* its version is known, or that it does not answer */
	machine_facts told;
	char server_key[BUS_KEY_TEXT];
	sot_arena *arena;
	sot_err setup_err;
	sot_code setup_code;
};

static void send_frame(scheduler_link *l, sot_code code, sot_buf *frame, const sot_err *err)
{
	if (code != SOT_OK)
		sot_log_err(SOT_ERROR, "uplink.encode", err, "%s", "");
	else
		(void)bus_client_send(
		    l->client, sot_buf_str(frame), NULL); /* level-triggered: said again */
}

#define SEND(link_, message_type, ...)                                                             \
	do {                                                                                           \
		sot_err send_err_ = {0};                                                                   \
		SOT_AUTO_BUF send_buf_;                                                                    \
		sot_buf_init(&send_buf_, SOT_WIRE_FRAME_MAX);                                              \
		sot_##message_type send_message_ = {__VA_ARGS__};                                          \
		sot_code send_code_ = sot_##message_type##_encode(&send_message_, &send_buf_, &send_err_); \
		send_frame((link_), send_code_, &send_buf_, &send_err_);                                   \
	} while (0)

static machine_facts read_machine(const agent *a)
{
	struct sysinfo memory = {0};
	struct statvfs disk = {0};
	(void)sysinfo(&memory);
	(void)statvfs(a->config->state_dir, &disk);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	machine_facts facts = {.cpu_milli = (uint32_t)(cores > 0 ? cores * 1000 : 1000),
	    .memory_bytes = (uint64_t)memory.totalram * memory.mem_unit,
	    .disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize};
	memcpy(facts.docker_version, a->docker_version, sizeof(facts.docker_version));
	return facts;
}

/* Some file systems (ZFS, btrfs) tell a size that moves with their use: that is no new disk. */
static bool is_other_size(uint64_t a, uint64_t b)
{
	uint64_t difference = a > b ? a - b : b - a;
	return difference > (a > b ? a : b) / DISK_TOLERANCE;
}

static bool is_other_machine(const machine_facts *a, const machine_facts *b)
{
	return strcmp(a->docker_version, b->docker_version) != 0 || a->cpu_milli != b->cpu_milli ||
	       a->memory_bytes != b->memory_bytes || is_other_size(a->disk_bytes, b->disk_bytes);
}

/* A loopback address tells nobody how to reach this machine. */
static sot_ip own_address(const agent_config *config)
{
	sot_ip address = {0};
	if (sot_ip_parse(sot_str_c(config->management_address), &address, NULL) != SOT_OK ||
	    sot_ip_v4(address) >> 24 == 127)
		return (sot_ip){0};
	return address;
}

static void say_hello(scheduler_link *l)
{
	uplink *u = l->u;
	agent *a = u->a;
	struct utsname name = {0};
	if (!u->engine_asked)
		return; /* said when the Engine has answered, or has failed to */
	(void)uname(&name);
	u->told = read_machine(a);
	name.nodename[63] = name.release[63] = '\0';
	SEND(l, hello, .protocol_version = 1, .boot_id = sot_str_c(a->boot_id),
	    .agent_start_id = a->start_id, .generation = desired_generation(a->desired),
	    .epoch = desired_epoch(a->desired), .agent_version = sot_str_c(SOT_VERSION),
	    .hostname = sot_str_c(name.nodename), .kernel = sot_str_c(name.release),
	    .docker_version = sot_str_c(u->told.docker_version), .cpu_milli = u->told.cpu_milli,
	    .memory_bytes = u->told.memory_bytes, .disk_bytes = u->told.disk_bytes,
	    .address = own_address(a->config));
}

static void say_hello_to_all(uplink *u)
{
	for (size_t i = 0; i < u->link_count; i++)
		if (bus_client_is_up(u->links[i].client))
			say_hello(&u->links[i]);
}

void uplink_engine_asked(uplink *u)
{
	bool first = !u->engine_asked;
	u->engine_asked = true;
	machine_facts now = read_machine(u->a);
	if (first || is_other_machine(&now, &u->told))
		say_hello_to_all(u);
}

/* The leader may be another process than before: it hears everything again. */
static void follow(scheduler_link *l)
{
	uplink *u = l->u;
	if (u->leader == l)
		return;
	u->leader = l;
	u->status_in_flight = false;
	status_feed_restart(u->a->feed);
	agent_pump(u->a);
}

static sot_code store_staged(agent *a, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF bytes;
	sot_buf_init(&bytes, ASSIGNMENT_MAX);
	sot_code code = desired_render_staged(a->desired, &bytes, err);
	if (code != SOT_OK)
		return code;
	SOT_FAILPOINT("hostagent.assign.before_write", err);
	(void)snprintf(path, sizeof(path), "%s/assignment.bin", a->config->state_dir);
	code = sot_file_write(path, sot_buf_str(&bytes), 0600, err);
	if (code == SOT_OK)
		SOT_FAILPOINT("hostagent.assign.after_write", err);
	return code;
}

static void on_assign(void *self, const void *from, const sot_assign *m)
{
	uplink *u = self;
	scheduler_link *l = (scheduler_link *)(uintptr_t)from;
	agent *a = u->a;
	sot_err err = {0};
	bool complete = false;
	sot_code code = desired_offer(a->desired, m, &complete, &err);
	if (code == SOT_OK && complete)
		code = store_staged(a, &err);
	if (code != SOT_OK) {
		sot_log_err(
		    SOT_WARN, "assign.refused", &err, "generation=%llu", (unsigned long long)m->generation);
		desired_drop_staged(a->desired);
		if (code == SOT_CONFLICT)
			say_hello(l);
		return;
	}
	follow(l);
	if (!complete)
		return;
	desired_take_staged(a->desired);
	agent_take_desired(a);
	sot_log(SOT_INFO, "assign.taken", "generation=%llu instances=%zu",
	    (unsigned long long)m->generation, desired_count(a->desired));
	SEND(l, assigned, .epoch = m->epoch, .generation = m->generation);
}

static void on_heartbeat_ack(void *self, const void *from, const sot_heartbeat_ack *m)
{
	uplink *u = self;
	scheduler_link *l = (scheduler_link *)(uintptr_t)from;
	if (desired_see_epoch(u->a->desired, m->epoch, NULL) != SOT_OK)
		return;
	follow(l);
	if (m->generation != desired_generation(u->a->desired))
		say_hello(l);
}

static void on_not_leader(void *self, const void *from, const sot_not_leader *m)
{
	uplink *u = self;
	/* An older epoch comes from a standby that was cut off: it does not lead either way. */
	sot_code ignored = desired_see_epoch(u->a->desired, m->epoch, NULL);
	(void)ignored;
	if (u->leader == from)
		u->leader = NULL;
}

static void on_status_ack(void *self, const void *from, const sot_status_ack *m)
{
	uplink *u = self;
	(void)from;
	if (m->agent_start_id != u->a->start_id)
		return;
	status_feed_ack(u->a->feed, m->seq);
	u->status_in_flight = false;
	reactor_rearm_ms(u->again, -1);
	uplink_tell(u);
}

/* ---- logs ---- */

typedef struct logs_read {
	scheduler_link *l;
	uint64_t request_id;
	bool is_onward; /* from a time on: the oldest lines, so that the next question goes on after
	                   them */
} logs_read;

static void on_logs(void *self, const docker_reply *reply)
{
	logs_read *q = self;
	SOT_AUTO_BUF text;
	bool ok = reply->code == SOT_OK || (q->is_onward && reply->code == SOT_LIMIT);
	sot_buf_init(&text, LOG_TEXT_MAX + 1);
	bool cut = ok && docker_json_logs(reply->body, LOG_TEXT_MAX,
	                     q->is_onward ? DOCKER_LOGS_OLDEST : DOCKER_LOGS_NEWEST, &text);
	SEND(q->l, agent_logs, .request_id = q->request_id, .ok = ok,
	    .error = sot_str_c(ok ? "" : reply->why->text), .text = sot_buf_str(&text),
	    .truncated = cut || reply->code == SOT_LIMIT);
	free(q);
}

static void on_logs_read(void *self, const void *from, const sot_agent_logs_read *m)
{
	uplink *u = self;
	scheduler_link *l = (scheduler_link *)(uintptr_t)from;
	char path[200];
	sot_err err = {0};
	instance *i = reconcile_find(u->a->reconcile, m->instance_id);
	const container_facts *container = i ? instance_container(i) : NULL;
	if (!container) {
		SEND(l, agent_logs, .request_id = m->request_id,
		    .error = SOT_STR("this host has no container of that instance"));
		return;
	}
	logs_read *q = sot_alloc(sizeof(*q));
	*q = (logs_read){l, m->request_id, m->since_unix_ns > 0};
	int n = snprintf(path, sizeof(path), "/containers/%s/logs?stdout=1&stderr=1&timestamps=%d",
	    container->id, m->timed ? 1 : 0);
	if (q->is_onward)
		(void)snprintf(path + n, sizeof(path) - (size_t)n, "&since=%" PRIu64 ".%09" PRIu64,
		    m->since_unix_ns / 1000000000u, m->since_unix_ns % 1000000000u);
	else
		(void)snprintf(path + n, sizeof(path) - (size_t)n, "&tail=%u", m->tail);
	docker_request request = {.method = "GET",
	    .path = path,
	    .deadline_ms = LOGS_MS,
	    .body_max = q->is_onward ? LOGS_ONWARD_MAX : LOGS_BODY_MAX};
	if (docker_send(u->a->docker, &request, on_logs, q, &err) != SOT_OK) {
		SEND(l, agent_logs, .request_id = m->request_id, .error = sot_str_c(err.text));
		free(q);
	}
}

static void on_usage_read(void *self, const void *from, const sot_agent_usage_read *m)
{
	uplink *u = self;
	sot_str parts[USAGE_PARTS_MAX];
	size_t count = reports_last_instances(u->a->reports, parts, USAGE_PARTS_MAX);
	SEND((scheduler_link *)(uintptr_t)from, agent_usage, .request_id = m->request_id,
	    .host = reports_last_host(u->a->reports), .instances = parts, .instances_count = count,
	    .findings = fitness_findings(u->a->fitness));
}

/* ---- a look inside ---- */

typedef struct inside_read {
	scheduler_link *l;
	uint64_t request_id;
} inside_read;

static void refuse_look(scheduler_link *l, uint64_t request_id, const char *why)
{
	SEND(l, agent_inside, .request_id = request_id, .error = sot_str_c(why));
}

static void on_looked(void *self, const reactor_child_result *result)
{
	inside_read *q = self;
	if (result->exit_status == 0)
		SEND(q->l, agent_inside, .request_id = q->request_id, .ok = true, .text = result->out);
	else
		refuse_look(q->l, q->request_id,
		    result->exit_status < 0 ? "a process inside could not be read in time; try again"
		                            : "it does not run any more");
	free(q);
}

static void on_packages_looked(void *self, sot_str text)
{
	inside_read *q = self;
	SEND(q->l, agent_inside, .request_id = q->request_id, .ok = true, .text = text);
	free(q);
}

static void look_at_packages(uplink *u, scheduler_link *l, uint64_t request_id)
{
	inside_read *q = sot_alloc(sizeof(*q));
	*q = (inside_read){l, request_id};
	if (look_packages_ask(u->a, on_packages_looked, q))
		return;
	refuse_look(l, request_id, "too many look at the packages of this host; try again");
	free(q);
}

static void on_inside_read(void *self, const void *from, const sot_agent_inside_read *m)
{
	uplink *u = self;
	scheduler_link *l = (scheduler_link *)(uintptr_t)from;
	char option[40];
	const char *argv[] = {"/proc/self/exe", option, NULL};
	sot_err err = {0};
	if (m->packages) {
		look_at_packages(u, l, m->request_id);
		return;
	}
	const instance *i = reconcile_find(u->a->reconcile, m->instance_id);
	const container_facts *container = i ? instance_container(i) : NULL;
	if (!container || !container->running || container->pid <= 0) {
		refuse_look(l, m->request_id, "it does not run: there is nothing inside to look at");
		return;
	}
	(void)snprintf(option, sizeof(option), "--inside=%d", container->pid);
	inside_read *q = sot_alloc(sizeof(*q));
	*q = (inside_read){l, m->request_id};
	if (reactor_spawn(u->a->loop, argv, NULL, (sot_str){0}, LOOK_INSIDE_MAX, LOOK_MS, on_looked, q,
	        &err) != SOT_OK) {
		refuse_look(l, m->request_id, err.text);
		free(q);
	}
}

/* ---- silent hosts ---- */

static void on_host_probe(void *self, const void *from, const sot_host_probe *m)
{
	uplink *u = self;
	(void)from;
	witness_ask(u->a->witness, m);
}

void uplink_probed(uplink *u, const sot_host_probed *m)
{
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_code code = sot_host_probed_encode(m, &frame, &err);
	if (u->leader)
		send_frame(u->leader, code, &frame, &err);
}

static void on_rotate(void *self, const void *from, const sot_rotate *m)
{
	uplink *u = self;
	(void)from;
	if (desired_see_epoch(u->a->desired, m->epoch, NULL) == SOT_OK)
		rotation_ask(u->a->rotation, m);
}

void uplink_rotated(uplink *u, const sot_rotated *m)
{
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_code code = sot_rotated_encode(m, &frame, &err);
	if (u->leader)
		send_frame(u->leader, code, &frame, &err);
}

static void on_stock(void *self, const void *from, const sot_stock *m)
{
	uplink *u = self;
	(void)from;
	stock_take(u->a->stock, m);
}

/* ---- connection ---- */

static void on_push(void *self, sot_str frame)
{
	static const sot_hostagent_replies handlers = {.not_leader = on_not_leader,
	    .assign = on_assign,
	    .heartbeat_ack = on_heartbeat_ack,
	    .status_ack = on_status_ack,
	    .agent_logs_read = on_logs_read,
	    .agent_usage_read = on_usage_read,
	    .agent_inside_read = on_inside_read,
	    .host_probe = on_host_probe,
	    .rotate = on_rotate,
	    .stock = on_stock};
	scheduler_link *l = self;
	sot_err err = {0};
	sot_arena_reset(l->u->arena);
	sot_code code = sot_hostagent_dispatch_reply(&handlers, l->u, l, frame, l->u->arena, &err);
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "uplink.message", &err, "endpoint=%s", l->endpoint);
}

static void on_up(void *self, bool up)
{
	scheduler_link *l = self;
	sot_log(SOT_INFO, up ? "uplink.up" : "uplink.down", "endpoint=%s", l->endpoint);
	if (up) {
		say_hello(l);
		return;
	}
	if (l->u->leader == l) {
		l->u->leader = NULL;
		l->u->status_in_flight = false;
	}
}

static void heartbeat(void *self, uint64_t missed)
{
	uplink *u = self;
	agent *a = u->a;
	(void)missed;
	if (!u->engine_asked)
		return;             /* nobody was greeted yet */
	uplink_engine_asked(u); /* capacity may have changed */
	for (size_t i = 0; i < u->link_count; i++)
		if (bus_client_is_up(u->links[i].client))
			SEND(&u->links[i], heartbeat, .boot_id = sot_str_c(a->boot_id),
			    .generation = desired_generation(a->desired), .docker_ok = a->docker_ok,
			    .instances = (uint32_t)reconcile_count(a->reconcile));
}

void uplink_tell(uplink *u)
{
	agent *a = u->a;
	sot_err err = {0};
	if (!u->leader || u->status_in_flight || !status_feed_is_due(a->feed))
		return;
	SOT_AUTO(sot_arena) arena = sot_arena_new(ARENA_MAX);
	sot_status m = {.boot_id = sot_str_c(a->boot_id), .agent_start_id = a->start_id};
	if (status_feed_build(a->feed, arena, &m, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "status.build", &err, "%s", "");
		return;
	}
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_code code = sot_status_encode(&m, &frame, &err);
	send_frame(u->leader, code, &frame, &err);
	u->status_in_flight = true;
	reactor_rearm_ms(u->again, STATUS_AGAIN_MS);
}

static void tell_again(void *self, uint64_t missed)
{
	uplink *u = self;
	(void)missed;
	u->status_in_flight = false;
	uplink_tell(u);
}

void uplink_each_endpoint(
    const char *list, void (*each)(void *self, const char *endpoint), void *self)
{
	char endpoint[200];
	sot_str rest = sot_str_c(list);
	while (rest.n > 0) {
		sot_str part = sot_str_cut(rest, ',', &rest);
		while (part.n > 0 && part.p[0] == ' ') {
			part.p++;
			part.n--;
		}
		while (part.n > 0 && part.p[part.n - 1] == ' ')
			part.n--;
		if (part.n > 0 && sot_str_copy(part, endpoint, sizeof(endpoint), NULL) == SOT_OK)
			each(self, endpoint);
	}
}

static void add_link(void *self, const char *endpoint)
{
	uplink *u = self;
	if (u->setup_code != SOT_OK || u->link_count == SCHEDULERS_MAX)
		return;
	scheduler_link *l = &u->links[u->link_count];
	l->u = u;
	(void)snprintf(l->endpoint, sizeof(l->endpoint), "%s", endpoint);
	u->setup_code = bus_connect(u->a->bus, "scheduler", endpoint, u->server_key, on_push, on_up, l,
	    &l->client, &u->setup_err);
	if (u->setup_code == SOT_OK)
		u->link_count++;
}

sot_code uplink_new(agent *a, uplink **ret, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	uplink *u = sot_alloc(sizeof(*u));
	u->a = a;
	u->arena = sot_arena_new(ARENA_MAX);
	(void)snprintf(path, sizeof(path), "%s/scheduler.pub", a->config->keys_dir);
	u->setup_code = bus_public_key_load(path, u->server_key, &u->setup_err);
	uplink_each_endpoint(a->config->scheduler_endpoints, add_link, u);
	if (u->setup_code != SOT_OK) {
		sot_code code = u->setup_code;
		if (err)
			*err = u->setup_err;
		uplink_free(u);
		return code;
	}
	u->heartbeat = reactor_together_ms(a->loop, a->config->heartbeat_ms, heartbeat, u);
	u->again = reactor_after_ms(a->loop, STATUS_AGAIN_MS, tell_again, u);
	*ret = u;
	return SOT_OK;
}

uplink *uplink_free(uplink *u)
{
	if (u) {
		for (size_t i = 0; i < u->link_count; i++)
			u->links[i].client = bus_client_free(u->links[i].client);
		reactor_remove(u->heartbeat);
		reactor_remove(u->again);
		sot_arena_free(u->arena);
		free(u);
	}
	return NULL;
}

bool uplink_is_up(const uplink *u)
{
	return u->leader != NULL;
}
