/* The platform's own figures: gauges of CAT's business page, sent by one bridge once a minute. */
#include "monitor_internal.h"

#include <stdlib.h>
#include <string.h>

void monitor_take_platform(monitor *m, const platform_figures *platform, const pool_figures *pools,
    size_t pool_count, sot_wall now)
{
	size_t count = pool_count < MONITOR_POOLS_MAX ? pool_count : MONITOR_POOLS_MAX;
	m->platform = *platform;
	m->platform_unix_ms = now.unix_ms;
	free(m->pools);
	m->pools = sot_alloc_array(count > 0 ? count : 1, sizeof(*m->pools));
	if (count > 0)
		memcpy(m->pools, pools, count * sizeof(*pools));
	m->pool_count = count;
}

static sot_str pool_field(const void *self, sot_str field)
{
	(void)field; /* definitions allow {pool} only */
	return sot_str_c(((const pool_figures *)self)->name);
}

static void send_pools(monitor *m, const definition_metric *gauge, sot_wall now)
{
	char name[CAT_NAME_MAX], scratch[CAT_NAME_MAX];
	for (size_t i = 0; i < m->pool_count; i++) {
		const pool_figures *pool = &m->pools[i];
		sot_str filled = definition_fill(gauge->name, pool_field, pool, name, sizeof(name));
		sot_str id = cat_clean_id(filled, scratch, &m->counters.ids_cleaned);
		monitor_emit_metric(m, id, false, definition_read(&gauge->value, pool), now.unix_ms, now);
	}
}

void monitor_send_gauges(monitor *m, sot_wall now)
{
	int64_t minute = now.unix_ms / 60000;
	size_t count;
	const definition_metric *gauges = definitions_gauges(m->options.definitions, &count);
	if (minute <= m->minute_gauges || m->platform_unix_ms == 0 ||
	    now.unix_ms - m->platform_unix_ms >= MONITOR_GAUGES_FRESH_MS)
		return;
	m->minute_gauges = minute;
	for (size_t i = 0; i < count; i++) {
		if (gauges[i].source == FIGURE_POOL) {
			send_pools(m, &gauges[i], now);
		} else {
			monitor_emit_metric(m, sot_str_c(gauges[i].name), false,
			    definition_read(&gauges[i].value, &m->platform), now.unix_ms, now);
		}
	}
}
