/* test_ipam - ipam's side of the agents' conversation, driven by lines on stdin, for the
 * integration test. Acknowledges every report and prints what it tells.
 *
 *   probe VLAN ADDRESS    ordered with the next acknowledgement
 *   next MS               when the next report is due
 *   refuse | accept       what is answered from now on
 *
 * usage: test_ipam KEY_FILE ENDPOINT AGENT_PUBLIC_KEY
 */
#include "sot_parse.h"
#include "sot_proto.h"
#include "test_peer.h"

#include <stdio.h>

enum { ORDERS = 16 };

typedef struct ipam {
	test_peer side;
	sot_probe_order orders[ORDERS];
	size_t order_count;
	uint32_t next_ms;
	bool refuses;
} ipam;

static void print_report(const sot_address_report *m)
{
	char ip[SOT_IP_TEXT], mac[18];
	printf("report %llu part=%u/%u assignment=%llu epoch=%llu used=%zu strangers=%zu probes=%zu\n",
	    (unsigned long long)m->report, m->part, m->parts,
	    (unsigned long long)m->assignment_generation, (unsigned long long)m->epoch, m->used_count,
	    m->strangers_count, m->probes_count);
	for (size_t i = 0; i < m->used_count; i++)
		printf("used %llu %s vlan=%u mac=%s instance=%u generation=%llu running=%d\n",
		    (unsigned long long)m->report, sot_ip_format(m->used[i].address, ip),
		    m->used[i].vlan_id, sot_format_mac(m->used[i].mac.b, mac), m->used[i].instance_id.b[15],
		    (unsigned long long)m->used[i].generation, m->used[i].is_running);
	for (size_t i = 0; i < m->strangers_count; i++)
		printf("stranger %s vlan=%u mac=%s how=%d at=%lld told=%lld\n",
		    sot_ip_format(m->strangers[i].address, ip), m->strangers[i].vlan_id,
		    sot_format_mac(m->strangers[i].mac.b, mac), (int)m->strangers[i].sighting,
		    (long long)m->strangers[i].seen_unix_ms, (long long)sot_wall_now().unix_ms);
	for (size_t i = 0; i < m->probes_count; i++)
		printf("probed %s vlan=%u done=%d mac=%s\n", sot_ip_format(m->probes[i].address, ip),
		    m->probes[i].vlan_id, m->probes[i].done, sot_format_mac(m->probes[i].mac.b, mac));
}

static void on_report(void *self, const void *from, const sot_address_report *m)
{
	ipam *x = self;
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_report_ack ack = {.request_id = m->request_id,
	    .next_report_ms = x->next_ms,
	    .probes = x->orders,
	    .probes_count = x->order_count};
	sot_refused refusal = {.request_id = m->request_id,
	    .code = SOT_REFUSAL_UNAVAILABLE,
	    .text = SOT_STR("quarantine")};
	if (x->refuses) {
		printf("refused %llu\n", (unsigned long long)m->report);
	} else {
		print_report(m);
		x->order_count = 0;
	}
	sot_code code = x->refuses ? sot_refused_encode(&refusal, &frame, &err)
	                           : sot_address_report_ack_encode(&ack, &frame, &err);
	if (code == SOT_OK)
		code = bus_send(x->side.server, from, sot_buf_str(&frame), &err);
	if (code != SOT_OK)
		printf("error %s\n", err.text);
}

static void on_frame(void *self, const bus_peer *from, sot_str frame)
{
	static const sot_ipam_agent_handlers handlers = {.address_report = on_report};
	ipam *x = self;
	sot_err err = {0};
	sot_arena_reset(x->side.arena);
	if (sot_ipam_agent_dispatch(&handlers, x, from, frame, x->side.arena, &err) != SOT_OK)
		printf("error %s\n", err.text);
	(void)fflush(stdout);
}

static void order(ipam *x, sot_str line)
{
	uint64_t vlan = 0;
	sot_ip address = {0};
	sot_str word = sot_str_cut(line, ' ', &line);
	if (sot_parse_u64(word, 0, 4094, &vlan, NULL) == SOT_OK && x->order_count < ORDERS &&
	    sot_ip_parse(line, &address, NULL) == SOT_OK)
		x->orders[x->order_count++] =
		    (sot_probe_order){.address = address, .vlan_id = (uint16_t)vlan};
	else
		printf("error probe VLAN ADDRESS\n");
}

static void take_line(void *self, sot_str line)
{
	ipam *x = self;
	uint64_t n = 0;
	sot_str verb = sot_str_cut(line, ' ', &line);
	if (sot_str_eq_c(verb, "probe"))
		order(x, line);
	else if (sot_str_eq_c(verb, "refuse") || sot_str_eq_c(verb, "accept"))
		x->refuses = sot_str_eq_c(verb, "refuse");
	else if (sot_str_eq_c(verb, "next") && sot_parse_u64(line, 1000, 600000, &n, NULL) == SOT_OK)
		x->next_ms = (uint32_t)n;
	else
		printf("error unknown line\n");
}

int main(int argc, char **argv)
{
	static ipam x = {.next_ms = 60000,
	    .side = {.name = "test_ipam", .on_frame = on_frame, .take_line = take_line, .self = &x}};
	return argc == 4 ? test_peer_run(&x.side, argv) : 2;
}
