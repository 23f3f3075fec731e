/* traces - real clusters, read from a folder, placed by the core and by textbook policies.
 *
 * The folder is that of the data sets "openb" (Alibaba, published with FGD, USENIX ATC 2023) and
 * "alibaba-2018-b" (Alibaba Global Scheduling Algorithm Competition 2018, preliminary set B,
 * unpacked). It is given by SOT_PLACEMENT_DATA; neither is part of this repository.
 */
#ifndef BENCH_PLACEMENT_TRACES_H
#define BENCH_PLACEMENT_TRACES_H

#include "../bench.h"
#include "placer.h"

enum { TRACE_DIMS = 6 }; /* as far as the traces name them: cpu, memory, disk, three countables */

typedef enum policy_kind {
	POLICY_FIRST_FIT,
	POLICY_BEST_FIT,
	POLICY_WORST_FIT,
	POLICY_DOT_PRODUCT,
	POLICY_CORE,
	POLICIES
} policy_kind;

extern const char *const policy_names[POLICIES];

typedef struct trace_rule {
	uint32_t a, b, k;
} trace_rule;

/* A cluster and its requests. Amounts are integers, so that sums are exact. */
typedef struct trace {
	uint32_t slots; /* of a day; 0: plain amounts */
	uint32_t hosts, shapes, requests, rules;
	int32_t (*host)[TRACE_DIMS];
	int32_t (*shape)[TRACE_DIMS]; /* peaks, where there are slots */
	int32_t *days;                /* shapes * 2 * slots: cpu, then memory */
	uint32_t *request;            /* shape of each request, in the file's order */
	trace_rule *rule;             /* sorted by a, then b */
	char (*request_name)[32], (*host_name)[32];
} trace;

trace *trace_read_openb(const char *folder, const char *list, bool gpus);
trace *trace_read_alibaba(const char *folder);
trace *trace_free(trace *t);

/* Textbook policies by a full scan, exact in what fits. A scan holds the state. */
typedef struct scan scan;
scan *scan_new(const trace *t);
scan *scan_free(scan *s);
/* The host, booked; PLACER_NONE when none fits. */
uint32_t scan_place(scan *s, policy_kind policy, uint32_t shape);

/* The trace as a placer: shape k is shape k and app k. `zones` zones, hosts dealt out in turn; with
 * `hard` each app may differ by one between them. */
placer *trace_placer(const trace *t, uint32_t zones, bool hard);

/* Both print a table and add figures. */
void bench_openb(bench *b, const char *folder);
void bench_alibaba(bench *b, const char *folder);

_Noreturn void trace_die(const char *what, const char *why);

#endif
