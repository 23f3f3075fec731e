#include "wiring.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_network.h"
#include "inside.h"
#include "instance_net.h"
#include "layout.h"
#include "neighbours.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

enum { AGAIN_MS = 5000, SOON_MS = 200 };

typedef struct vlan_result {
	uint16_t id;
	sot_code code;
	host_network_place place;
	sot_err err;
} vlan_result;

struct wiring {
	agent *a;
	host_network *network; /* touched by the job alone while one is under way */
	bool is_stored;        /* net/vlans.json is as it should be */
	bool is_busy, is_check_due;
	bool is_wanted; /* another job, as soon as this one has ended */
	reactor_watch *timer, *minute;
	/* The job. */
	bool is_check;
	vlan_result *results;
	size_t result_count;
	uint16_t *needed;
	size_t needed_count;
	binding *running; /* of instances with an interface inside: whose limit is looked at */
	size_t running_count;
	host_network_report report;
	uint64_t frames[GUARD_REASONS]; /* dropped, as last read */
	sot_metric *drops[GUARD_REASONS];
	sot_metric *deeds[HOST_NETWORK_FAILED + 1], *checks, *missing;
};

static void begin(wiring *w);

/* ---- the job: on a worker thread ---- */

/* What an instance sends is limited inside: a change follows without a restart. */
static void check_limit_inside(wiring *w, const binding *b, int host_fd)
{
	sot_err err = {0};
	bool changed = false;
	int fd = inside_open(b->pid);
	if (fd < 0)
		return; /* it has ended; it is wired anew when it starts */
	sot_code code = instance_net_limit(fd, host_fd, b->mac.b, b->bandwidth_kbit, &changed, &err);
	close(fd);
	if (code == SOT_OK && changed)
		host_network_note_add(&w->report, HOST_NETWORK_REPAIRED,
		    "%s: what it sends had another limit than %u kbit/s (0: none)", b->host_link,
		    b->bandwidth_kbit);
	else if (code != SOT_OK && code != SOT_CONFLICT && code != SOT_NOT_FOUND)
		host_network_note_add(&w->report, HOST_NETWORK_FAILED, "%s: limit what it sends: %.160s",
		    b->host_link, err.text);
}

static void check_limits_inside(wiring *w)
{
	int host_fd = inside_own();
	for (size_t i = 0; i < w->running_count; i++)
		check_limit_inside(w, &w->running[i], host_fd);
}

static void work(void *arg)
{
	wiring *w = arg;
	sot_err err = {0};
	w->report = (host_network_report){0};
	if (w->is_check) {
		host_network_check(w->network, w->needed, w->needed_count, &w->report);
		check_limits_inside(w);
	}
	for (size_t i = 0; i < w->result_count; i++) {
		vlan_result *r = &w->results[i];
		r->code = host_network_make(w->network, r->id, &r->place, &w->report, &r->err);
	}
	if (!w->is_check && host_network_make_guard(w->network, &w->report, &err) != SOT_OK)
		w->report.deeds[HOST_NETWORK_FAILED]++; /* the check tells, and tries again */
}

/* ---- around it ---- */

static void tell_report(wiring *w)
{
	const host_network_report *r = &w->report;
	for (size_t i = 0; i < r->count; i++) {
		host_network_deed deed = r->notes[i].deed;
		sot_level level = deed == HOST_NETWORK_FAILED     ? SOT_ERROR
		                  : deed == HOST_NETWORK_REPAIRED ? SOT_WARN
		                                                  : SOT_INFO;
		char text[SOT_ERR_TEXT_MAX + 16];
		sot_log(level, "network.deed", "deed=%s text=%s", host_network_deed_name(deed),
		    sot_log_quote(sot_str_c(r->notes[i].text), text, sizeof(text)));
	}
	for (size_t deed = 0; deed <= HOST_NETWORK_FAILED; deed++)
		sot_metric_add(w->deeds[deed], r->deeds[deed]);
}

static bool take_result(wiring *w, const vlan_result *r)
{
	vlans *networks = w->a->vlans;
	if (r->code == SOT_OK)
		return vlans_ready(networks, r->id, r->place.bridge, r->place.mtu);
	bool is_other = vlans_failed(networks, r->id, r->err.text);
	if (is_other)
		sot_log_err(SOT_ERROR, "vlan.failed", &r->err, "vlan=%u", r->id);
	return is_other;
}

static bool is_missing(const vlan *v)
{
	return (v->needed || v->id == 0) && !v->ready;
}

static size_t missing(const wiring *w)
{
	size_t at = 0, n = 0;
	for (const vlan *v; (v = vlans_next(w->a->vlans, &at)) != NULL;)
		n += is_missing(v);
	return n;
}

/* A bridge that was taken away and made anew is another link under the same name: so the ears
 * follow after every job that did anything. */
static void after(void *arg)
{
	wiring *w = arg;
	agent *a = w->a;
	bool is_other = false;
	w->is_busy = false;
	a->steps_in_flight--;
	tell_report(w);
	for (size_t i = 0; i < w->result_count; i++)
		is_other = take_result(w, &w->results[i]) || is_other;
	sot_metric_set(w->missing, (int64_t)missing(w));
	if (w->is_check)
		sot_metric_add(w->checks, 1);
	if (is_other)
		reconcile_vlans_changed(a->reconcile);
	if (is_other || w->report.deeds[HOST_NETWORK_MADE] > 0)
		neighbours_changed(a->neighbours);
	agent_pump(a);
	if (w->is_wanted)
		begin(w);
	else if (w->is_check_due || missing(w) > 0)
		reactor_rearm_ms(w->timer, w->is_check_due ? SOON_MS : AGAIN_MS);
}

static void gather_running(wiring *w)
{
	const agent *a = w->a;
	sot_map_iter it = {0};
	free(w->running);
	w->running = sot_alloc_array(reconcile_count(a->reconcile) + 1, sizeof(*w->running));
	w->running_count = 0;
	for (const instance *i; (i = reconcile_iterate(a->reconcile, &it)) != NULL;) {
		binding *b = &w->running[w->running_count];
		w->running_count += instance_binding(i, b) && b->is_running;
	}
}

/* A check makes everything anew that is needed, otherwise it is what is not there. */
static void fill_job(wiring *w)
{
	const agent *a = w->a;
	size_t at = 0, count = 0;
	while (vlans_next(a->vlans, &at))
		count++;
	free(w->results);
	free(w->needed);
	w->results = sot_alloc_array(count + 1, sizeof(*w->results));
	w->needed = sot_alloc_array(count + 1, sizeof(*w->needed));
	w->result_count = w->needed_count = at = 0;
	gather_running(w);
	for (const vlan *v; (v = vlans_next(a->vlans, &at)) != NULL;) {
		if (!v->needed && v->id != 0)
			continue;
		w->needed[w->needed_count++] = v->id;
		if (w->is_check || !v->ready)
			w->results[w->result_count++].id = v->id;
	}
}

static void begin(wiring *w)
{
	agent *a = w->a;
	w->is_wanted = w->is_busy;
	if (w->is_busy || a->draining)
		return;
	w->is_check = w->is_check_due;
	w->is_check_due = false;
	fill_job(w);
	if (w->result_count == 0)
		return;
	SOT_FAILPOINT_HIT("hostagent.bridge.before_set_up");
	w->is_busy = true;
	a->steps_in_flight++; /* a drain waits for it */
	reactor_queue_work(a->loop, work, after, w);
}

static void on_timer(void *self, uint64_t missed)
{
	(void)missed;
	begin(self);
}

static void on_minute(void *self, uint64_t missed)
{
	wiring *w = self;
	(void)missed;
	w->is_check_due = true;
	begin(w);
}

void wiring_check_soon(wiring *w)
{
	w->is_check_due = true;
	if (!w->is_busy)
		reactor_rearm_ms(w->timer, SOON_MS);
}

void wiring_take_desired(wiring *w)
{
	agent *a = w->a;
	sot_err err = {0};
	bool is_other = vlans_need(a->vlans, a->desired);
	if (is_other || !w->is_stored) {
		w->is_stored = layout_write_vlans(a->config->state_dir, a->vlans, &err) == SOT_OK;
		if (!w->is_stored)
			sot_log_err(SOT_ERROR, "vlans.store", &err, "%s", "");
	}
	reconcile_vlans_changed(a->reconcile);
	if (missing(w) > 0)
		begin(w);
}

/* A table that was made anew counts from 0 again. */
uint64_t wiring_take_drops(wiring *w)
{
	SOT_AUTO(netlink) n = NULL;
	uint64_t frames[GUARD_REASONS], sum = 0;
	if (netlink_open(NETLINK_NETFILTER, &n, NULL) != SOT_OK ||
	    guard_read_counters(n, frames, NULL) != SOT_OK)
		return 0; /* no table: nothing is dropped, and the check tells of it */
	for (size_t i = 0; i < GUARD_REASONS; i++) {
		uint64_t grown = frames[i] >= w->frames[i] ? frames[i] - w->frames[i] : frames[i];
		w->frames[i] = frames[i];
		sot_metric_add(w->drops[i], grown);
		sum += grown;
	}
	return sum;
}

bool wiring_is_healthy(const wiring *w, sot_buf *reasons)
{
	size_t at = 0;
	for (const vlan *v; (v = vlans_next(w->a->vlans, &at)) != NULL;)
		if (is_missing(v) && v->error[0])
			sot_buf_printf(reasons, "%s\n", v->error);
	return missing(w) == 0;
}

static void make_metrics(wiring *w)
{
	static const char *const labels[] = {
	    "deed=\"made\"", "deed=\"repaired\"", "deed=\"removed\"", "deed=\"failed\""};
	static const char *const reasons[GUARD_REASONS] = {[GUARD_FORGED_MAC] = "reason=\"forged_mac\"",
	    [GUARD_FORGED_ADDRESS] = "reason=\"forged_address\"",
	    [GUARD_FORGED_ARP] = "reason=\"forged_arp\"",
	    [GUARD_FORGED_ND] = "reason=\"forged_nd\"",
	    [GUARD_DHCP_SERVER] = "reason=\"dhcp_server\"",
	    [GUARD_ROUTER] = "reason=\"router\"",
	    [GUARD_TAGGED] = "reason=\"tagged\"",
	    [GUARD_LINK_LOCAL] = "reason=\"link_local\"",
	    [GUARD_OTHER] = "reason=\"other\""};
	for (size_t i = 0; i <= HOST_NETWORK_FAILED; i++)
		w->deeds[i] = sot_counter("sot_hostagent_network_deeds_total", labels[i],
		    "What was done about bridges, ports, limits and the guard of this host.");
	for (size_t i = 0; i < GUARD_REASONS; i++)
		w->drops[i] = sot_counter("sot_hostagent_guard_drops_total", reasons[i],
		    "Frames that instances sent and were not allowed to.");
	w->checks = sot_counter("sot_hostagent_network_checks_total", NULL,
	    "Comparisons of the host's network with what it must be.");
	w->missing = sot_gauge(
	    "sot_hostagent_vlans_missing", NULL, "VLANs that instances need and that are not there.");
}

sot_code wiring_new(agent *a, wiring **ret, sot_err *err)
{
	const agent_config *c = a->config;
	host_network_settings settings = {.state_dir = c->state_dir,
	    .host_id = a->host_id,
	    .uplinks = {.vlan_uplink = c->vlan_uplink,
	        .vlan_links = c->vlan_links,
	        .vlan_bridges = c->vlan_bridges,
	        .bridge_name = c->bridge_name,
	        .bridge_uplink = c->bridge_uplink,
	        .bridge_address = c->bridge_address}};
	host_network *network = NULL;
	sot_code code = host_network_new(&settings, &network, err);
	if (code != SOT_OK)
		return code;
	wiring *w = sot_alloc(sizeof(*w));
	w->a = a;
	w->network = network;
	make_metrics(w);
	(void)vlans_failed(a->vlans, 0, ""); /* made whether an instance needs it or not */
	w->timer = reactor_after_ms(a->loop, 0, on_timer, w);
	w->minute = reactor_together_ms(a->loop, c->network_check_ms, on_minute, w);
	*ret = w;
	return SOT_OK;
}

wiring *wiring_free(wiring *w)
{
	if (w) {
		reactor_remove(w->timer);
		reactor_remove(w->minute);
		w->network = host_network_free(w->network);
		free(w->results);
		free(w->needed);
		free(w->running);
		free(w);
	}
	return NULL;
}
