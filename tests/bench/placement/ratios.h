/* ratios - what fill and explanations cost, in decisions of the same run. */
#ifndef BENCH_PLACEMENT_RATIOS_H
#define BENCH_PLACEMENT_RATIOS_H

#include "../bench.h"
#include "fleet.h"

/* A decision with its explanation against one without; and what a refusal with reasons costs. */
void bench_explanations(bench *b, fleet *f);
/* Decisions with 0 and with 100,000 instances present, in four ways. */
void bench_slow_down(bench *b);

#endif
