/* report_publisher - plays the reporting side of agents, for tests: one host_report and one
 * instance_reports of N instances for each host and interval, each host with a real CURVE key,
 * until SIGTERM.
 *
 *   report_publisher ENDPOINT SERVER_KEY KEY_FILE HOST_ID ADDRESS INSTANCES INTERVAL_MS
 *   report_publisher ENDPOINT SERVER_KEY fleet HOSTS ADDRESS INSTANCES INTERVAL_MS
 *
 * The host is `node-<ADDRESS>`, instance k is `shop-default-<k>` of app `shop` at 10.66.0.0 + k. A
 * fleet has HOSTS hosts from ADDRESS on with INSTANCES each, numbered on; it makes keys and ids,
 * and says them first: a line "id name key" for each host. Hosts report one after the other, spread
 * over the interval.
 */
#include "bus.h"
#include "sot_failpoint.h"
#include "sot_parse.h"
#include "sot_proto.h"
#include "sot_rand.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTANCES_MAX 200
#define HOSTS_MAX 20000

typedef struct publisher {
	reactor *loop;
	bus *crowd; /* NULL for a host alone */
	bus *bus;
	bus_publisher *socket;
	sot_uuid host_id;
	uint32_t address, first; /* number of its first instance */
	uint64_t instances;
	int64_t interval_ms;
	reactor_watch *timer;
	char name[64];
} publisher;

/* What all hosts of one process share while they report, one at a time. */
static sot_buf frame;

static void publish(publisher *p)
{
	bus_publish(p->socket, SOT_STR("report"), sot_buf_str(&frame));
	sot_buf_reset(&frame);
}

static sot_duration_count one_of_3_ms = {.ms = 3, .count = 1};

static void publish_host(publisher *p)
{
	sot_err err;
	sot_call_report calls = {
	    .name = SOT_STR("start"), .us_sum = 3000, .durations = &one_of_3_ms, .durations_count = 1};
	sot_interface_report link = {.name = SOT_STR("eth0"), .rx_bytes_per_s = 125000};
	const sot_host_report report = {.host_id = p->host_id,
	    .host_name = sot_str_c(p->name),
	    .address = sot_ip_from_v4(p->address),
	    .at_unix_ms = reactor_wall(p->loop).unix_ms,
	    .interval_ms = (uint32_t)p->interval_ms,
	    .cpu_cores = 2,
	    .cpu_user_permille = 250,
	    .load1_milli = 1250,
	    .memory_total_bytes = UINT64_C(4) << 30,
	    .memory_available_bytes = UINT64_C(1) << 30,
	    .disk_total_bytes = 1000,
	    .disk_free_bytes = 400,
	    .docker_ok = true,
	    .containers_running = (uint32_t)p->instances,
	    .containers_total = (uint32_t)p->instances,
	    .interfaces = &link,
	    .interfaces_count = 1,
	    .docker_calls = &calls,
	    .docker_calls_count = 1};
	if (sot_host_report_encode(&report, &frame, &err) != SOT_OK)
		(void)fprintf(stderr, "report_publisher: %s\n", err.text);
	publish(p);
}

static void fill_instance(
    sot_instance_report *m, uint32_t number, char name[static 32], sot_failed_call *failure)
{
	(void)snprintf(name, 32, "shop-default-%02u", number);
	*m = (sot_instance_report){.instance_id = {{0x77, [13] = (uint8_t)(number >> 16),
	                               [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}},
	    .name = sot_str_c(name),
	    .app = SOT_STR("shop"),
	    .address = sot_ip_from_v4(0x0a420000u + number),
	    .running = true,
	    .health = SOT_HEALTH_HEALTHY,
	    .cpu_used_milli = 100 * number,
	    .cpu_limit_milli = 1000,
	    .memory_rss_bytes = 32u << 20,
	    .memory_limit_bytes = 128u << 20,
	    .pids = number,
	    .uptime_s = 600,
	    .checks_ok = 1,
	    .checks_failed = 1,
	    .check_ms_sum = 5003,
	    .check_durations = &one_of_3_ms,
	    .check_durations_count = 1,
	    .check_failures = failure,
	    .check_failures_count = 1};
}

static void publish_instances(publisher *p)
{
	static sot_instance_report rows[INSTANCES_MAX];
	static char names[INSTANCES_MAX][32];
	sot_failed_call timeout = {.name = SOT_STR("shop"),
	    .status = SOT_STR("timeout"),
	    .at_unix_ms = reactor_wall(p->loop).unix_ms,
	    .us = 5000000};
	sot_err err;
	for (uint32_t i = 0; i < p->instances; i++)
		fill_instance(&rows[i], p->first + i, names[i], &timeout);
	const sot_instance_reports reports = {.host_id = p->host_id,
	    .at_unix_ms = reactor_wall(p->loop).unix_ms,
	    .interval_ms = (uint32_t)p->interval_ms,
	    .instances = rows,
	    .instances_count = p->instances};
	if (sot_instance_reports_encode(&reports, &frame, &err) != SOT_OK)
		(void)fprintf(stderr, "report_publisher: %s\n", err.text);
	publish(p);
}

static void on_timer(void *self, uint64_t missed)
{
	publisher *p = self;
	(void)missed;
	publish_host(p);
	publish_instances(p);
}

static void on_end(void *self, int signo)
{
	(void)signo;
	reactor_stop(self);
}

/* ---- hosts ---- */

static sot_code open_host(publisher *p, const bus_keypair *keys, const char *endpoint,
    const char *server_key, sot_err *err)
{
	char text[16];
	(void)snprintf(p->name, sizeof(p->name), "node-%s", sot_format_ipv4(p->address, text));
	sot_code code =
	    p->crowd ? bus_join(p->crowd, keys, &p->bus, err) : bus_new(p->loop, keys, &p->bus, err);
	if (code == SOT_OK)
		code = bus_publisher_new(p->bus, "reports", endpoint, false, server_key, &p->socket, err);
	return code;
}

static void on_first(void *self, uint64_t missed)
{
	publisher *p = self;
	reactor_remove(p->timer);
	p->timer = reactor_every_ms(p->loop, p->interval_ms, on_timer, p);
	on_timer(p, missed);
}

static sot_code open_fleet(
    publisher *hosts, uint64_t count, const publisher *like, char **argv, sot_err *err)
{
	sot_code code = SOT_OK;
	for (uint64_t i = 0; code == SOT_OK && i < count; i++) {
		publisher *p = &hosts[i];
		bus_keypair keys;
		char id[SOT_UUID_TEXT];
		*p = *like;
		p->address += (uint32_t)i;
		p->first = (uint32_t)(i * like->instances + 1);
		sot_rand_bytes(p->host_id.b, sizeof(p->host_id.b));
		code = bus_keypair_make(&keys, err);
		if (code == SOT_OK)
			code = open_host(p, &keys, argv[1], argv[2], err);
		if (code == SOT_OK)
			(void)printf("%s %s %s\n", sot_uuid_format(p->host_id, id), p->name, keys.public_key);
		p->timer = reactor_after_ms(
		    p->loop, 1 + p->interval_ms * (int64_t)i / (int64_t)count, on_first, p);
	}
	(void)fflush(stdout);
	return code;
}

static sot_code open_one(publisher *p, const publisher *like, char **argv, sot_err *err)
{
	bus_keypair keys;
	*p = *like;
	p->first = 1;
	sot_code code = sot_uuid_parse(sot_str_c(argv[4]), &p->host_id, err);
	if (code == SOT_OK)
		code = bus_keypair_load(argv[3], &keys, err);
	if (code == SOT_OK)
		code = open_host(p, &keys, argv[1], argv[2], err);
	p->timer = reactor_every_ms(p->loop, p->interval_ms, on_timer, p);
	return code;
}

static sot_code serve(char **argv, const publisher *like, uint64_t count, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	publisher *hosts = sot_alloc_array(count + 1, sizeof(*hosts)), with = *like;
	sot_code code = reactor_new(&loop, err);
	with.loop = loop;
	if (code == SOT_OK && count > 0)
		code = bus_crowd_new(loop, (int)count, &with.crowd, err);
	if (code == SOT_OK)
		code = count > 0 ? open_fleet(hosts, count, &with, argv, err)
		                 : open_one(hosts, &with, argv, err);
	if (code == SOT_OK) {
		(void)reactor_add_signal(loop, SIGTERM, on_end, loop);
		code = reactor_run(loop, err);
	}
	for (uint64_t i = 0; i <= count; i++) {
		reactor_remove(hosts[i].timer);
		bus_free(hosts[i].bus);
	}
	bus_free(with.crowd);
	free(hosts);
	return code;
}

int main(int argc, char **argv)
{
	publisher like = {.instances = 0};
	uint64_t interval_ms, hosts = 0;
	sot_err err;
	if (argc != 8) {
		(void)fprintf(stderr,
		    "usage: report_publisher ENDPOINT SERVER_KEY KEY_FILE HOST_ID ADDRESS INSTANCES "
		    "INTERVAL_MS\n"
		    "       report_publisher ENDPOINT SERVER_KEY fleet HOSTS ADDRESS INSTANCES "
		    "INTERVAL_MS\n");
		return 64;
	}
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_code code = sot_parse_ipv4(sot_str_c(argv[5]), &like.address, &err);
	if (code == SOT_OK && strcmp(argv[3], "fleet") == 0)
		code = sot_parse_u64(sot_str_c(argv[4]), 1, HOSTS_MAX, &hosts, &err);
	if (code == SOT_OK)
		code = sot_parse_u64(sot_str_c(argv[6]), 0, INSTANCES_MAX, &like.instances, &err);
	if (code == SOT_OK)
		code = sot_parse_u64(sot_str_c(argv[7]), 10, 60000, &interval_ms, &err);
	if (code == SOT_OK) {
		like.interval_ms = (int64_t)interval_ms;
		code = serve(argv, &like, hosts, &err);
	}
	sot_buf_clear(&frame);
	if (code != SOT_OK)
		(void)fprintf(stderr, "report_publisher: %s\n", err.text);
	return code == SOT_OK ? 0 : 1;
}
