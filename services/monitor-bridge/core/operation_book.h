/* operation_book - the steps of open operations, gathered from instance.state events until the
 * operation ends. Bounded: the oldest operation is forgotten when there are too many, and steps
 * past OPERATION_STEPS_MAX are counted only. Pure.
 */
#ifndef MONITOR_OPERATION_BOOK_H
#define MONITOR_OPERATION_BOOK_H

#include "figures.h"
#include "sot_mem.h"

#define OPERATION_STEPS_MAX 100
#define OPERATION_STATE_MAX 15

/* One instance was in `state` from..until. */
typedef struct operation_step {
	char instance[FIGURES_NAME_MAX + 1];
	char state[OPERATION_STATE_MAX + 1];
	int64_t from_unix_ms, until_unix_ms;
	bool failed; /* the state after it is `failed` */
} operation_step;

typedef struct operation_steps {
	operation_step *items;
	size_t count;
	size_t left_out;
} operation_steps;

/* When an operation was made: its UUIDv7 tells, so nothing need be remembered over a restart.
 * `fallback` for other ids, and when the id's clock is ahead of it. */
int64_t operation_begin_unix_ms(sot_uuid operation_id, int64_t fallback_unix_ms);

typedef struct operation_book operation_book;
operation_book *operation_book_new(size_t operations_max);
operation_book *operation_book_free(operation_book *b);
SOT_DEFINE_AUTO(operation_book)
size_t operation_book_count(const operation_book *b);

/* An instance changed from one state to another because of an operation. */
void operation_book_note(operation_book *b, sot_uuid operation_id, sot_str instance,
    sot_str old_state, sot_str new_state, int64_t at_unix_ms);
/* Hands the steps over and forgets the operation; zero steps when nothing is known of it. The
 * caller frees items. */
operation_steps operation_book_take(operation_book *b, sot_uuid operation_id);

#endif
