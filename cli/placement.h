/* placement - decisions and refusals of the scheduler in words; the objects of docs/explain.md. */
#ifndef CLI_PLACEMENT_H
#define CLI_PLACEMENT_H

#include "cli.h"

/* "0.5 cores, 512 MiB memory, 5 GiB disk" of {cpuMilli,memoryBytes,diskBytes}. */
void placement_print_need(const json_t *need);
/* One line each: counts of hosts by reason, `label` in front. */
void placement_print_counts(const char *label, const json_t *reasons);
void placement_print_refusal(const json_t *refusal);
/* Hosts with crowding and cost. */
void placement_print_hosts(const json_t *hosts);
/* "3m" of a time that has passed, "-" without one. */
void placement_age(const char *time_text, char *ret, size_t size);

/* What a count of an app would do. */
void forecast_print_scale(const json_t *forecast);
/* The answer to a dry run, as the output wants it; CLI_BLOCKED when not all would fit. */
cli_exit forecast_print(const cli_call *call, const json_t *answer);

#endif
