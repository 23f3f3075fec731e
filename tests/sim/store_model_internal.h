/* store_model_internal - the tables behind store_model, for its own files. */
#ifndef SIM_STORE_MODEL_INTERNAL_H
#define SIM_STORE_MODEL_INTERNAL_H

#include "store_elastic.h"
#include "store_model.h"
#include "store_small.h"

typedef struct table {
	sot_map *rows;
	size_t size;
	void (*clear)(void *row);
} table;

enum {
	HOSTS,
	IMAGES,
	APPS,
	GROUPS,
	VERSIONS,
	INSTANCES,
	OPERATIONS,
	STEPS,
	DEPARTURES,
	ROLLOUTS,
	IMAGE_VERSIONS,
	MIDDLEWARE,
	TABLES
};

struct store_model {
	table tables[TABLES];
	small_tables small;
	elastic_table elastics;
	uint64_t epoch;
	int holder;
	int64_t lease_until_ms;
	brake_row brake;
	size_t brakes;         /* how often it was engaged */
	bool forgets_rollouts; /* a planted fault: a new leader does not read how far they are */
	sot_map *lines;        /* operation id -> next line, as a number in a row */
};

/* ---- a transaction ---- */
typedef struct pending {
	int table;
	char key[200];
	size_t key_n;
	void *row;
	bool is_new; /* said to be: nothing may be there */
} pending;

struct store_rows {
	placed_row *placed;
	size_t placed_count;
	small_tables small;
	elastic_table *elastics; /* NULL: none */
	pending *items;
	size_t count, cap;
	sot_uuid *deleted;
	size_t deleted_count;
	bool writes_brake;
	brake_row brake;
	struct {
		sot_uuid operation_id;
		uint64_t line;
	} * logs;
	size_t log_count;
};

void *store_model_copy_row(int t, const void *row);

/* ---- store_elastic.c: before the rows are applied; SOT_CONFLICT says what rules must not have
 * done */
sot_code elastics_check(store_model *s, const store_rows *r, sot_err *err);
/* ---- store_rollouts.c: SOT_CONFLICT says what a rollout must not do ---- */
/* Before the rows are applied: nobody is taken away whom the strategy does not let go. */
sot_code rollouts_check_takes(const store_model *s, const store_rows *r, sot_err *err);
/* After: what has ended left what it promised. */
sot_code rollouts_check_ends(const store_model *s, const store_rows *r, sot_err *err);

#endif
