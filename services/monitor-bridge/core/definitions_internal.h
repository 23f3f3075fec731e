/* What definitions.c (the tables) and definitions_parse.c (the text) share. */
#ifndef MONITOR_DEFINITIONS_INTERNAL_H
#define MONITOR_DEFINITIONS_INTERNAL_H

#include "definitions.h"

typedef struct definition_group {
	figure_source source;
	char *id, *title;
} definition_group;

struct definitions {
	definition_group *groups;
	definition_show *shows; /* those of one group lie side by side */
	definition_metric *gauges, *metrics;
	definition_rule *rules;
	size_t group_count, show_count, gauge_count, metric_count, rule_count;
};

void definition_rule_clear(definition_rule *rule);
/* Whose heartbeat a source's graphs are in. */
figure_source definition_beat_of(figure_source source);

#endif
