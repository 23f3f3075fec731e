/* report_publisher - plays the reporting side of an agent, for tests: one host_report and one
 * instance_reports of N instances each interval, with a real CURVE key, until SIGTERM.
 *
 *   report_publisher ENDPOINT SERVER_KEY KEY_FILE HOST_ID ADDRESS INSTANCES INTERVAL_MS
 *
 * The host is `node-<ADDRESS>`, instance k is `shop-default-<k>` of app `shop` at 10.66.0.<k>.
 */
#include "bus.h"
#include "sot_failpoint.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define INSTANCES_MAX 200

typedef struct publisher {
	reactor *loop;
	bus_publisher *socket;
	sot_uuid host_id;
	uint32_t address;
	uint64_t instances;
	char name[64];
	sot_buf frame;
} publisher;

static void publish(publisher *p)
{
	bus_publish(p->socket, SOT_STR("report"), sot_buf_str(&p->frame));
	sot_buf_reset(&p->frame);
}

static void publish_host(publisher *p)
{
	sot_err err;
	const sot_host_report report = {.host_id = p->host_id,
	    .host_name = sot_str_c(p->name),
	    .address = sot_ip_from_v4(p->address),
	    .at_unix_ms = reactor_wall(p->loop).unix_ms,
	    .interval_ms = 1000,
	    .cpu_cores = 2,
	    .cpu_user_permille = 250,
	    .load1_milli = 1250,
	    .memory_total_bytes = UINT64_C(4) << 30,
	    .memory_available_bytes = UINT64_C(1) << 30,
	    .disk_total_bytes = 1000,
	    .disk_free_bytes = 400,
	    .docker_ok = true,
	    .containers_running = (uint32_t)p->instances,
	    .containers_total = (uint32_t)p->instances};
	if (sot_host_report_encode(&report, &p->frame, &err) != SOT_OK)
		(void)fprintf(stderr, "report_publisher: %s\n", err.text);
	publish(p);
}

static void fill_instance(sot_instance_report *m, uint32_t number, char name[static 32])
{
	(void)snprintf(name, 32, "shop-default-%02u", number);
	*m = (sot_instance_report){.instance_id = {{0x77, [15] = (uint8_t)number}},
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
	    .check_ms_sum = 3};
}

static void publish_instances(publisher *p)
{
	static sot_instance_report rows[INSTANCES_MAX];
	static char names[INSTANCES_MAX][32];
	sot_err err;
	for (uint32_t i = 0; i < p->instances; i++)
		fill_instance(&rows[i], i + 1, names[i]);
	const sot_instance_reports reports = {.host_id = p->host_id,
	    .at_unix_ms = reactor_wall(p->loop).unix_ms,
	    .interval_ms = 1000,
	    .instances = rows,
	    .instances_count = p->instances};
	if (sot_instance_reports_encode(&reports, &p->frame, &err) != SOT_OK)
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
	reactor_stop(((publisher *)self)->loop);
}

static sot_code serve(publisher *p, char **argv, int64_t interval_ms, sot_err *err)
{
	SOT_AUTO(reactor) loop = NULL;
	SOT_AUTO(bus) b = NULL;
	bus_keypair keys;
	sot_code code = reactor_new(&loop, err);
	if (code == SOT_OK)
		code = bus_keypair_load(argv[3], &keys, err);
	if (code == SOT_OK)
		code = bus_new(loop, &keys, &b, err);
	if (code == SOT_OK)
		code = bus_publisher_new(b, "reports", argv[1], false, argv[2], &p->socket, err);
	if (code != SOT_OK)
		return code;
	p->loop = loop;
	(void)reactor_add_signal(loop, SIGTERM, on_end, p);
	(void)reactor_every_ms(loop, interval_ms, on_timer, p);
	code = reactor_run(loop, err);
	bus_publisher_free(p->socket);
	return code;
}

int main(int argc, char **argv)
{
	publisher p = {.instances = 0};
	uint64_t interval_ms;
	sot_err err;
	if (argc != 8) {
		(void)fprintf(stderr,
		    "usage: report_publisher ENDPOINT SERVER_KEY KEY_FILE HOST_ID ADDRESS "
		    "INSTANCES INTERVAL_MS\n");
		return 64;
	}
	(void)snprintf(p.name, sizeof(p.name), "node-%s", argv[5]);
	sot_buf_init(&p.frame, SOT_WIRE_FRAME_MAX);
	sot_code code = sot_uuid_parse(sot_str_c(argv[4]), &p.host_id, &err);
	if (code == SOT_OK)
		code = sot_parse_ipv4(sot_str_c(argv[5]), &p.address, &err);
	if (code == SOT_OK)
		code = sot_parse_u64(sot_str_c(argv[6]), 0, INSTANCES_MAX, &p.instances, &err);
	if (code == SOT_OK)
		code = sot_parse_u64(sot_str_c(argv[7]), 10, 60000, &interval_ms, &err);
	if (code == SOT_OK)
		code = serve(&p, argv, (int64_t)interval_ms, &err);
	sot_buf_clear(&p.frame);
	if (code != SOT_OK)
		(void)fprintf(stderr, "report_publisher: %s\n", err.text);
	return code == SOT_OK ? 0 : 1;
}
