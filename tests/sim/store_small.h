/* store_small - the tables of the scheduler that a batch writes as a whole. */
#ifndef SIM_STORE_SMALL_H
#define SIM_STORE_SMALL_H

#include "controller.h"

typedef struct small_tables {
	plan_row plans[8];
	team_row teams[8];
	host_class_row host_classes[8];
	mixing_row mixing[16];
	size_t plan_count, team_count, host_class_count, mixing_count;
	bool has_plans, has_teams, has_host_classes, has_mixing; /* of a batch: these are written */
} small_tables;

/* What the batch writes of them. */
void small_tables_copy(small_tables *to, const controller_batch *b);
/* The tables of `from` that are written replace those of `to`. */
void small_tables_write(small_tables *to, const small_tables *from);
void small_tables_load(const small_tables *small, controller *c);

#endif
