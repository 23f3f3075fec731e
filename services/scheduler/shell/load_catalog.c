/* Take-over: the small tables (plans, teams, host classes, mixing), versions of images, and what
 * hosts and apps have of placement rules. */
#include "load_cursor.h"

#include <string.h>

void load_on_plans(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		plan_row row = {.cpu_milli = 0};
		COPY(&at, row.name);
		row.cpu_milli = u32(&at);
		row.memory_bytes = u64(&at);
		row.disk_bytes = u64(&at);
		row.bandwidth_kbit = u32(&at);
		row.cpu_pinned = flag(&at);
		row.pids_max = u32(&at);
		row.io_weight = u16(&at);
		controller_load_plan(at.l->c, &row);
	}
}

void load_on_teams(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		team_row row = {.cpu_milli = 0};
		COPY(&at, row.name);
		row.cpu_milli = u32(&at);
		row.memory_bytes = u64(&at);
		row.disk_bytes = u64(&at);
		row.instances = u32(&at);
		controller_load_team(at.l->c, &row);
	}
}

void load_on_host_classes(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		host_class_row row = {.max_starts = 0};
		COPY(&at, row.name);
		row.cpu_overcommit_permille = u32(&at);
		row.memory_overcommit_permille = u32(&at);
		row.disk_overcommit_permille = u32(&at);
		row.reserve_cpu_milli = u32(&at);
		row.reserve_memory_bytes = u64(&at);
		row.reserve_disk_bytes = u64(&at);
		row.max_instances = u32(&at);
		row.max_starts = u32(&at);
		controller_load_host_class(at.l->c, &row);
	}
}

void load_on_mixing(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		mixing_row row = {.at_most = 0};
		WORD(&at, workload_parse, row.workload);
		WORD(&at, workload_parse, row.beside);
		row.at_most = u32(&at);
		if (at.l->code == SOT_OK)
			controller_load_mixing(at.l->c, &row);
	}
}

void load_read_class(cursor *at, host_row *row)
{
	read_shared(at, &row->class);
	read_shared(at, &row->repels);
	row->cpu_overcommit_permille = u32(at);
	row->memory_overcommit_permille = u32(at);
	row->disk_overcommit_permille = u32(at);
	row->reserve_cpu_milli = u32(at);
	row->reserve_memory_bytes = u64(at);
	row->reserve_disk_bytes = u64(at);
	row->max_instances = u32(at);
	row->booked_instances = u32(at);
}

void load_read_placement(cursor *at, placement_row *p)
{
	WORD(at, workload_parse, p->workload);
	WORD(at, exclusive_parse, p->exclusive);
	p->priority = u8(at);
	p->preemptable = flag(at);
	p->max_unavailable = u32(at);
	for (int level = 0; level < LEVELS; level++) {
		p->spread[level].prefer = flag(at);
		p->spread[level].max_skew = u32(at);
		p->spread[level].max_count = u32(at);
	}
	for (int use = 0; use < TAG_USES; use++)
		p->tags[use] = sot_strndup(text(at));
	note(at->l, relations_parse(text(at), p, &at->l->err));
}

void load_on_image_versions(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		image_version_row row = {.state = IMAGE_CANDIDATE};
		COPY(&at, row.image);
		COPY(&at, row.version);
		COPY(&at, row.reference);
		COPY(&at, row.digest);
		WORD(&at, image_state_parse, row.state);
		WORD(&at, image_smoke_parse, row.smoke);
		COPY(&at, row.created_by);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.smoke_unix_ms = number(&at, 0, INT64_MAX);
		row.promoted_unix_ms = number(&at, 0, INT64_MAX);
		row.retired_unix_ms = number(&at, 0, INT64_MAX);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_image_version(at.l->c, &row, &at.l->err));
	}
}

void load_on_groups(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		group_row row = {.id = id(&at)};
		row.app_id = id(&at);
		COPY(&at, row.name);
		row.next_number = u32(&at);
		read_shared(&at, &row.version);
		read_shared(&at, &row.environment);
		row.deleted = flag(&at);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_group(at.l->c, &row, &at.l->err));
		group_row_clear(&row);
	}
}

static char *text_or_null(cursor *at)
{
	sot_str s = text(at);

	return s.n > 0 ? sot_strndup(s) : NULL;
}

void load_read_settings(cursor *at, app_settings *s)
{
	s->labels = text_or_null(at);
	s->windows = text_or_null(at);
	s->opt_outs = text_or_null(at);
	s->middleware_before = text_or_null(at);
	read_shared(at, &s->version_before);
	s->keep_versions = u32(at);
	s->keep_days = u32(at);
}

void load_on_versions(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		version_row row = {.app_id = id(&at)};
		COPY(&at, row.version);
		digest(&at, row.sha256);
		row.size_bytes = u64(&at);
		COPY(&at, row.file_name);
		COPY(&at, row.created_by);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		row.removed = flag(&at);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_version(at.l->c, &row, &at.l->err));
	}
}

void load_on_middleware(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		middleware_row row = {.name = ""};
		COPY(&at, row.name);
		COPY(&at, row.kind);
		COPY(&at, row.version.version);
		digest(&at, row.version.sha256);
		row.version.size_bytes = u64(&at);
		COPY(&at, row.version.file_name);
		COPY(&at, row.version.created_by);
		row.version.created_unix_ms = number(&at, 0, INT64_MAX);
		row.version.removed = flag(&at);
		row.keep_versions = u32(&at);
		row.keep_days = u32(&at);
		if (at.l->code == SOT_OK)
			controller_load_middleware(at.l->c, &row);
	}
}

void load_on_departures(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		departure_row row = {.host_id = id(&at)};
		row.instance_id = id(&at);
		row.generation = u64(&at);
		WORD(&at, desired_parse, row.desired);
		COPY(&at, row.name);
		COPY(&at, row.app);
		row.created_unix_ms = number(&at, 0, INT64_MAX);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_departure(at.l->c, &row, &at.l->err));
	}
}

void load_on_brake(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		brake_row row = {.engaged = flag(&at)};
		COPY(&at, row.reason);
		row.since_unix_ms = number(&at, 0, INT64_MAX);
		controller_load_brake(at.l->c, &row);
	}
}

static void read_strategy(cursor *at, rollout_strategy *s)
{
	s->batch = u32(at);
	s->batch_percent = u32(at);
	s->canary = u32(at);
	WORD(at, rollout_order_parse, s->order);
	s->max_unavailable = u32(at);
	s->surge = u32(at);
	WORD(at, rollout_pause_parse, s->pause);
	s->pause_s = u32(at);
	s->bake_s = u32(at);
	WORD(at, rollout_failure_parse, s->on_failure);
	s->deadline_s = u32(at);
	s->drain_s = u32(at);
	s->errors_max = u32(at);
	COPY(at, s->rotation_command);
}

void load_on_rollouts(void *self, const store_result *res)
{
	EACH_ROW(at)
	{
		rollout_row row = {.operation_id = id(&at)};
		read_strategy(&at, &row.strategy);
		row.batch = u32(&at);
		row.batches = u32(&at);
		row.batch_done_unix_ms = number(&at, 0, INT64_MAX);
		row.passed = u32(&at);
		COPY(&at, row.paused_by);
		row.goes_back = flag(&at);
		COPY(&at, row.back_by);
		COPY(&at, row.cause);
		if (at.l->code == SOT_OK)
			note(at.l, controller_load_rollout(at.l->c, &row, &at.l->err));
	}
}
