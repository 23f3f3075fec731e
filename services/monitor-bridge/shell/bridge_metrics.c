#include "shell/bridge_metrics.h"

#include "sot_metrics.h"

typedef struct row {
	const char *name, *labels, *help;
	bool is_gauge;
	uint64_t value;
} row;

#define DROPPED "sot_bridge_dropped_total"
#define DROPPED_HELP "Messages that were not sent, by reason."

static void show(sot_metric **slot, const row *r)
{
	if (!*slot)
		*slot = r->is_gauge ? sot_gauge(r->name, r->labels, r->help)
		                    : sot_counter(r->name, r->labels, r->help);
	if (r->is_gauge) {
		sot_metric_set(*slot, (int64_t)r->value);
	} else {
		sot_metric_add(*slot, r->value - (uint64_t)sot_metric_value(*slot));
	}
}

void bridge_metrics_update(const bridge_metrics_input *in)
{
	const monitor_counters *core = in->core;
	const row rows[] = {
	    {"sot_bridge_reports_total", NULL, "Frames of agents.", false, in->intake.received},
	    {"sot_bridge_reports_refused_total", NULL,
	        "Frames that were malformed, or about another host.", false, in->intake.refused},
	    {"sot_bridge_reports_missed_total", NULL,
	        "Frames that publishers sent and that never came.", false, in->intake.missed},
	    {"sot_bridge_events_total", NULL, "Platform events.", false, core->events},
	    {"sot_bridge_heartbeats_total", NULL, "Heartbeats made.", false, core->heartbeats},
	    {"sot_bridge_heartbeats_late_total", NULL,
	        "Heartbeats made after second 15 of their minute: the bridge was held up.", false,
	        core->heartbeats_late},
	    {"sot_bridge_frames_total", NULL, "Frames made for CAT.", false, core->frames},
	    {"sot_bridge_frames_sent_total", NULL, "Frames handed to the kernel.", false,
	        in->sender.frames},
	    {"sot_bridge_bytes_sent_total", NULL, "Bytes handed to the kernel.", false,
	        in->sender.bytes},
	    {DROPPED, "reason=\"closed_hour\"", DROPPED_HELP, false, core->dropped_closed_hour},
	    {DROPPED, "reason=\"hour_limit\"", DROPPED_HELP, false, core->dropped_hour_limit},
	    {DROPPED, "reason=\"too_large\"", DROPPED_HELP, false, core->dropped_too_large},
	    {DROPPED, "reason=\"ids\"", DROPPED_HELP, false, core->dropped_ids},
	    {DROPPED, "reason=\"undecided\"", DROPPED_HELP, false, core->dropped_undecided},
	    {DROPPED, "reason=\"late\"", DROPPED_HELP, false, core->dropped_late},
	    {DROPPED, "reason=\"steps\"", DROPPED_HELP, false, core->steps_left_out},
	    {DROPPED, "reason=\"sampled\"", DROPPED_HELP, false, core->sampled_out},
	    {DROPPED, "reason=\"alteration\"", DROPPED_HELP, false, in->alterations.dropped},
	    {DROPPED, "reason=\"queue_full\"", DROPPED_HELP, false, in->queue.overflowed},
	    {DROPPED, "reason=\"expired\"", DROPPED_HELP, false, in->queue.expired},
	    {DROPPED, "reason=\"cut\"", DROPPED_HELP, false, in->sender.frames_cut},
	    {"sot_bridge_machines_refused_total", NULL, "Reports of machines past machines_max.", false,
	        core->machines_refused},
	    {"sot_bridge_repairs_total", "what=\"names\"", "Texts that had to be changed for CAT.",
	        false, core->repairs.names_cleaned + core->ids_cleaned},
	    {"sot_bridge_repairs_total", "what=\"values\"", "Texts that had to be changed for CAT.",
	        false, core->values_left_out},
	    {"sot_bridge_repairs_total", "what=\"data\"", "Texts that had to be changed for CAT.",
	        false, core->repairs.data_guarded + core->repairs.statuses_cut},
	    {"sot_bridge_repairs_total", "what=\"folded\"", "Texts that had to be changed for CAT.",
	        false, core->names_folded},
	    {"sot_bridge_calls_unread_total", NULL, "Rows of services' calls that could not be read.",
	        false, core->calls_unread},
	    {"sot_bridge_metrics_total", NULL, "Business metrics made.", false, core->metrics},
	    {"sot_bridge_alterations_total", NULL, "Deploys that CAT was told of.", false,
	        in->alterations.sent},
	    {"sot_bridge_cat_connects_total", NULL, "Connections made to CAT.", false,
	        in->sender.connects},
	    {"sot_bridge_cat_connect_failures_total", NULL, "Servers that could not be reached.", false,
	        in->sender.connect_failures},
	    {"sot_bridge_cat_losses_total", NULL, "Connections that broke.", false, in->sender.losses},
	    {"sot_bridge_cat_up", NULL, "Whether a CAT server is connected.", true, in->sender.up},
	    {"sot_bridge_database_up", NULL, "Whether the database answers.", true, in->database_up},
	    {"sot_bridge_queue_frames", NULL, "Frames that wait for CAT.", true, in->queue.frames},
	    {"sot_bridge_queue_bytes", NULL, "Bytes that wait for CAT.", true, in->queue.bytes},
	    {"sot_bridge_machines", NULL, "Hosts and instances that are known.", true, in->machines},
	    {"sot_bridge_machines_owned", NULL, "Hosts and instances that this bridge sends for.", true,
	        in->owned},
	    {"sot_bridge_leads", NULL, "Whether events and gauges are this bridge's.", true, in->leads},
	    {"sot_bridge_clock_wrong", NULL,
	        "Whether this machine's clock is off the database's by more than a second.", true,
	        in->clock_correction_ms != 0},
	    {"sot_bridge_events_waiting", NULL, "Events that wait to be told.", true, in->lag},
	};
	static sot_metric *metrics[sizeof(rows) / sizeof(*rows)];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		show(&metrics[i], &rows[i]);
}
