#include "store_small.h"

#define COPY_TABLE(to, from, name, count)                                                          \
	do {                                                                                           \
		(to)->count = 0;                                                                           \
		for (size_t k_ = 0; k_ < (from)->count; k_++)                                              \
			(to)->name[(to)->count++] = (from)->name[k_];                                          \
	} while (0)

void small_tables_copy(small_tables *to, const controller_batch *b)
{
	to->has_plans = b->rewrites.plans;
	to->has_teams = b->rewrites.teams;
	to->has_host_classes = b->rewrites.host_classes;
	to->has_mixing = b->rewrites.mixing;
	COPY_TABLE(to, b, plans, plan_count);
	COPY_TABLE(to, b, teams, team_count);
	COPY_TABLE(to, b, host_classes, host_class_count);
	COPY_TABLE(to, b, mixing, mixing_count);
}

void small_tables_write(small_tables *to, const small_tables *from)
{
	if (from->has_plans)
		COPY_TABLE(to, from, plans, plan_count);
	if (from->has_teams)
		COPY_TABLE(to, from, teams, team_count);
	if (from->has_host_classes)
		COPY_TABLE(to, from, host_classes, host_class_count);
	if (from->has_mixing)
		COPY_TABLE(to, from, mixing, mixing_count);
}

void small_tables_load(const small_tables *small, controller *c)
{
	for (size_t k = 0; k < small->plan_count; k++)
		controller_load_plan(c, &small->plans[k]);
	for (size_t k = 0; k < small->team_count; k++)
		controller_load_team(c, &small->teams[k]);
	for (size_t k = 0; k < small->host_class_count; k++)
		controller_load_host_class(c, &small->host_classes[k]);
	for (size_t k = 0; k < small->mixing_count; k++)
		controller_load_mixing(c, &small->mixing[k]);
}
