/* columns - an exact full scan over int32 columns, as fast as the compiler makes it. It knows four
 * amounts, tags and the zone; no racks, no rules, no reasons. */
#ifndef BENCH_PLACEMENT_COLUMNS_H
#define BENCH_PLACEMENT_COLUMNS_H

#include "placer.h"

enum { COLUMN_DIMS = 4 };

typedef struct columns columns;
columns *columns_new(const placer *p, uint32_t hosts);
columns *columns_free(columns *c);
/* The fullest host of the zone that fits, booked; PLACER_NONE when none does. */
uint32_t columns_place(columns *c, const int32_t need[COLUMN_DIMS], uint32_t tags, uint32_t zone);
void columns_take(columns *c, uint32_t host, const int32_t need[COLUMN_DIMS]);

#endif
