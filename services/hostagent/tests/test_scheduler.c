/* test_scheduler - the scheduler's side of the hostagent's conversation, driven by lines on stdin,
 * for the integration test. Holds the desired set in memory, answers hello and heartbeat, prints
 * what it is told.
 *
 *   set INDEX STATE RESTART_SEQ MEMORY_MIB VERSION SHA256|- SIZE    one instance; changes count
 *   net INDEX KEY=VALUE...      from its next `set` on: vlan address prefix gateway address6
 * prefix6 gateway6 dns search mtu isolated kbit generation push a new generation, to the agent logs
 * INDEX TAIL
 *
 * usage: test_scheduler KEY_FILE ENDPOINT AGENT_PUBLIC_KEY IMAGE EPOCH
 */
#include "sot_parse.h"
#include "sot_proto.h"
#include "test_peer.h"

#include <stdio.h>
#include <string.h>

enum { INSTANCES = 128 };

typedef struct scheduler {
	test_peer side;
	bus_peer peer;
	bool has_peer;
	uint64_t generation, epoch;
	uint32_t interval_ms; /* of the health checks */
	sot_str image;
	sot_instance_spec specs[INSTANCES];
	bool used[INSTANCES];
	char names[INSTANCES][32], versions[INSTANCES][32];
	char digests[INSTANCES][32];
	bool has_net[INSTANCES];
	sot_instance_spec nets[INSTANCES]; /* of them only what `net` sets */
	sot_ip dns[INSTANCES];
	char searches[INSTANCES][64];
} scheduler;

static sot_uuid id_of(uint64_t index)
{
	sot_uuid id = {{0x01, 0x92, 0, 0, 0, 0, 0x70, 0, 0x80}};
	id.b[15] = (uint8_t)index;
	return id;
}

#define REPLY(s, type, ...)                                                                        \
	do {                                                                                           \
		sot_err e_ = {0};                                                                          \
		SOT_AUTO_BUF b_;                                                                           \
		sot_buf_init(&b_, SOT_WIRE_FRAME_MAX);                                                     \
		sot_##type m_ = {__VA_ARGS__};                                                             \
		if (sot_##type##_encode(&m_, &b_, &e_) != SOT_OK)                                          \
			printf("error %s\n", e_.text);                                                         \
		else if ((s)->has_peer)                                                                    \
			(void)bus_send((s)->side.server, &(s)->peer, sot_buf_str(&b_), NULL);                  \
	} while (0)

static void assign(scheduler *s)
{
	sot_instance_spec list[INSTANCES];
	size_t count = 0;
	for (size_t i = 0; i < INSTANCES; i++)
		if (s->used[i])
			list[count++] = s->specs[i];
	REPLY(s, assign, .epoch = s->epoch, .generation = s->generation, .parts = 1, .instances = list,
	    .instances_count = count);
}

static void on_hello(void *self, const void *from, const sot_hello *m)
{
	scheduler *s = self;
	s->peer = *(const bus_peer *)from;
	s->has_peer = true;
	printf("hello generation=%llu docker=%.*s\n", (unsigned long long)m->generation,
	    SOT_ARG(m->docker_version));
	assign(s);
}

static void on_assigned(void *self, const void *from, const sot_assigned *m)
{
	(void)self;
	(void)from;
	printf("assigned %llu\n", (unsigned long long)m->generation);
}

static void on_heartbeat(void *self, const void *from, const sot_heartbeat *m)
{
	scheduler *s = self;
	s->peer = *(const bus_peer *)from;
	s->has_peer = true;
	(void)m;
	REPLY(s, heartbeat_ack, .epoch = s->epoch, .generation = s->generation);
}

static void on_status(void *self, const void *from, const sot_status *m)
{
	scheduler *s = self;
	(void)from;
	for (size_t i = 0; i < m->instances_count; i++) {
		const sot_instance_status *x = &m->instances[i];
		char ip[SOT_IP_TEXT], mac[18];
		printf("status %u observed=%d health=%d generation=%llu restart_seq=%u restarts=%u "
		       "version=%.*s "
		       "container=%.*s conflict=%s,%s error=%.*s\n",
		    x->instance_id.b[15], (int)x->observed, (int)x->health,
		    (unsigned long long)x->generation, x->restart_seq, x->restarts, SOT_ARG(x->version),
		    SOT_ARG(x->container_id), sot_ip_format(x->conflict_address, ip),
		    sot_format_mac(x->conflict_mac.b, mac), SOT_ARG(x->error));
	}
	printf("told full=%d unknown=%u\n", m->full, m->unknown_containers);
	REPLY(s, status_ack, .agent_start_id = m->agent_start_id, .seq = m->seq);
}

static void on_logs(void *self, const void *from, const sot_agent_logs *m)
{
	(void)self;
	(void)from;
	printf("logs ok=%d error=%.*s text=%.*s\n", m->ok, SOT_ARG(m->error), SOT_ARG(m->text));
}

static void on_frame(void *self, const bus_peer *from, sot_str frame)
{
	static const sot_hostagent_handlers handlers = {.hello = on_hello,
	    .assigned = on_assigned,
	    .heartbeat = on_heartbeat,
	    .status = on_status,
	    .agent_logs = on_logs};
	scheduler *s = self;
	sot_err err = {0};
	sot_arena_reset(s->side.arena);
	if (sot_hostagent_dispatch(&handlers, s, from, frame, s->side.arena, &err) != SOT_OK)
		printf("error %s\n", err.text);
	(void)fflush(stdout);
}

static uint64_t number(sot_str *rest)
{
	uint64_t n = 0;
	if (sot_parse_u64(sot_str_cut(*rest, ' ', rest), 0, UINT64_MAX, &n, NULL) != SOT_OK)
		printf("error not a number\n");
	return n;
}

static sot_ip parse_ip(sot_str text)
{
	sot_ip ip = {0};
	if (sot_ip_parse(text, &ip, NULL) != SOT_OK)
		printf("error not an address\n");
	return ip;
}

static void set_net_member(scheduler *s, uint64_t i, sot_str key, sot_str value)
{
	sot_instance_spec *x = &s->nets[i];
	uint64_t n = 0;
	bool is_number = sot_parse_u64(value, 0, UINT32_MAX, &n, NULL) == SOT_OK;
	if (sot_str_eq_c(key, "address"))
		x->address = parse_ip(value);
	else if (sot_str_eq_c(key, "gateway"))
		x->gateway = parse_ip(value);
	else if (sot_str_eq_c(key, "address6"))
		x->address_v6 = parse_ip(value);
	else if (sot_str_eq_c(key, "gateway6"))
		x->gateway_v6 = parse_ip(value);
	else if (sot_str_eq_c(key, "dns"))
		s->dns[i] = parse_ip(value);
	else if (sot_str_eq_c(key, "search"))
		(void)snprintf(s->searches[i], sizeof(s->searches[i]), "%.*s", SOT_ARG(value));
	else if (is_number && sot_str_eq_c(key, "vlan"))
		x->vlan_id = (uint16_t)n;
	else if (is_number && sot_str_eq_c(key, "prefix"))
		x->prefix = (uint8_t)n;
	else if (is_number && sot_str_eq_c(key, "prefix6"))
		x->prefix_v6 = (uint8_t)n;
	else if (is_number && sot_str_eq_c(key, "mtu"))
		x->mtu = (uint16_t)n;
	else if (is_number && sot_str_eq_c(key, "isolated"))
		x->isolated = n != 0;
	else if (is_number && sot_str_eq_c(key, "kbit"))
		x->bandwidth_kbit = (uint32_t)n;
	else if (is_number && sot_str_eq_c(key, "generation"))
		x->address_generation = x->address_v6_generation = n;
	else
		printf("error net %.*s\n", SOT_ARG(key));
}

static void set_net(scheduler *s, sot_str rest)
{
	uint64_t i = number(&rest) % INSTANCES;
	s->has_net[i] = true;
	while (rest.n > 0) {
		sot_str value, word = sot_str_cut(rest, ' ', &rest);
		sot_str key = sot_str_cut(word, '=', &value);
		set_net_member(s, i, key, value);
	}
}

static void apply_net(scheduler *s, uint64_t i, sot_instance_spec *x)
{
	const sot_instance_spec *net = &s->nets[i];
	if (!s->has_net[i])
		return;
	x->vlan_id = net->vlan_id;
	x->address = net->address;
	x->prefix = net->prefix;
	x->gateway = net->gateway;
	x->address_v6 = net->address_v6;
	x->prefix_v6 = net->prefix_v6;
	x->gateway_v6 = net->gateway_v6;
	x->mtu = net->mtu;
	x->isolated = net->isolated;
	x->bandwidth_kbit = net->bandwidth_kbit;
	x->address_generation = net->address_generation;
	x->address_v6_generation = net->address_v6_generation;
	memcpy(x->mac.b + 2, net->address.b, 4);
	x->dns = &s->dns[i];
	x->dns_count = sot_ip_is_none(s->dns[i]) ? 0 : 1;
	x->dns_search = sot_str_c(s->searches[i]);
}

static void set_instance(scheduler *s, sot_str rest)
{
	uint64_t i = number(&rest) % INSTANCES;
	sot_instance_spec *x = &s->specs[i];
	s->used[i] = true;
	(void)snprintf(s->names[i], sizeof(s->names[i]), "web-default-%02u", (unsigned)i);
	*x = (sot_instance_spec){.instance_id = id_of(i), .generation = x->generation + 1};
	x->desired = (sot_desired_state)number(&rest);
	x->restart_seq = (uint32_t)number(&rest);
	x->memory_bytes = number(&rest) << 20;
	sot_str version = sot_str_cut(rest, ' ', &rest);
	sot_str sha = sot_str_cut(rest, ' ', &rest);
	x->package_size_bytes = number(&rest);
	(void)snprintf(s->versions[i], sizeof(s->versions[i]), "%.*s", SOT_ARG(version));
	if (sha.n == 64 && sot_hex_decode(sha, s->digests[i], 32, NULL) == SOT_OK)
		x->package_sha256 = (sot_str){s->digests[i], 32};
	x->name = sot_str_c(s->names[i]);
	x->version = sot_str_c(s->versions[i]);
	x->app = SOT_STR("web");
	x->image = s->image;
	x->command = SOT_STR("echo started; exec busybox httpd -f -p 8080 -h /data/webapps");
	x->cpu_milli = 500;
	x->cpu_pinned = true;
	x->pids_max = 100;
	x->address = sot_ip_from_v4(0x0a420000u + 10 + (uint32_t)i);
	x->prefix = 24;
	x->gateway = sot_ip_from_v4(0x0a420001u);
	x->mac = (sot_mac){{2, 0x0a, 0x0a, 0x42, 0, (uint8_t)(10 + i)}};
	x->health = (sot_health_spec){.kind = SOT_HEALTH_CHECK_TCP,
	    .port = 8080,
	    .interval_ms = s->interval_ms,
	    .timeout_ms = 1000,
	    .healthy_after = 1,
	    .unhealthy_after = 3};
	apply_net(s, i, x);
}

static void take_line(void *self, sot_str line)
{
	scheduler *s = self;
	sot_str verb = sot_str_cut(line, ' ', &line);
	if (sot_str_eq_c(verb, "set")) {
		set_instance(s, line);
	} else if (sot_str_eq_c(verb, "net")) {
		set_net(s, line);
	} else if (sot_str_eq_c(verb, "calm")) { /* what `set` sets from now on, and has set */
		s->interval_ms = (uint32_t)number(&line);
		for (size_t i = 0; i < INSTANCES; i++)
			s->specs[i].health.interval_ms = s->interval_ms;
	} else if (sot_str_eq_c(verb, "push")) {
		s->generation++;
		assign(s);
	} else if (sot_str_eq_c(verb, "logs")) {
		uint64_t i = number(&line);
		uint32_t tail = (uint32_t)number(&line);
		REPLY(s, agent_logs_read, .request_id = 1, .instance_id = id_of(i), .tail = tail);
	}
}

int main(int argc, char **argv)
{
	static scheduler s = {.interval_ms = 300,
	    .side = {
	        .name = "test_scheduler", .on_frame = on_frame, .take_line = take_line, .self = &s}};
	sot_err err = {0};
	if (argc != 6)
		return 2;
	s.image = sot_str_c(argv[4]);
	if (sot_parse_u64(sot_str_c(argv[5]), 1, UINT64_MAX, &s.epoch, &err) != SOT_OK) {
		(void)fprintf(stderr, "test_scheduler: %s\n", err.text);
		return 1;
	}
	return test_peer_run(&s.side, argv);
}
