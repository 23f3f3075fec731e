/* store_elastic - the rules of elastic scaling in the store's model, and what they must never do.
 */
#ifndef SIM_STORE_ELASTIC_H
#define SIM_STORE_ELASTIC_H

#include "controller.h"

#define ELASTICS_MAX 32

/* Of an app as a whole, or of a group. */
typedef struct elastic_rules {
	sot_uuid app_id;
	char group[31];
	bool is_gone; /* of a batch: they were deleted */
	elastic_policy policy;
	elastic_kept kept;
	int64_t scaled_unix_ms; /* they began an operation last; 0: none */
} elastic_rules;

typedef struct elastic_table {
	elastic_rules sets[ELASTICS_MAX];
	size_t count;
	size_t grown, shrunk;    /* operations that rules began */
	bool forgets_what_lasts; /* a planted fault: a new leader begins with no cool-down */
} elastic_table;

/* What the batch writes of them, to be freed; NULL when that is nothing: the table is large, and
 * few batches have any. */
elastic_table *elastic_table_of(const controller_batch *b);
/* The sets of `from` replace those of `to`; NULL has none. */
void elastic_table_write(elastic_table *to, const elastic_table *from);
void elastic_table_delete_app(elastic_table *t, sot_uuid app_id);
sot_code elastic_table_load(const elastic_table *t, controller *c, sot_err *err);

#endif
