/* What is told of operations as SQL: steps, log lines, decisions. Several are one row: what a new
 * operation begins with (operation_start), the steps of an instance, the lines of a batch.
 */
#include "internal.h"
#include "write_columns.h"

#include <stdlib.h>

/* The lines that one batch adds to one operation are the longest of all texts. */
#define STORE_JSON_MAX ((size_t)16 * 1024 * 1024)

/* Some of `rows` that become one row. */
typedef struct run {
	size_t first, count;
} run;

static bool is_of_step_run(const void *rows, size_t a, size_t b)
{
	const step_row *const *r = rows;
	return sot_uuid_eq(r[a]->operation_id, r[b]->operation_id) &&
	       sot_uuid_eq(r[a]->instance_id, r[b]->instance_id) && r[a]->ordinal < r[b]->ordinal;
}

static bool is_of_log_run(const void *rows, size_t a, size_t b)
{
	const log_row *const *r = rows;
	return sot_uuid_eq(r[a]->operation_id, r[b]->operation_id);
}

/* Cuts n rows into runs; the caller frees them. */
static run *cut_runs(const void *rows, size_t n,
    bool (*is_of_run)(const void *rows, size_t a, size_t b), size_t *ret_count)
{
	run *runs = sot_alloc_array(n, sizeof(*runs));
	size_t count = 0;

	for (size_t k = 0; k < n; k++) {
		if (k == 0 || !is_of_run(rows, k - 1, k))
			runs[count++].first = k;
		runs[count - 1].count++;
	}
	*ret_count = count;
	return runs;
}

/* A member of a list of texts and numbers; `word` needs no escapes. */
static void add_word(sot_buf *json, const char *word)
{
	sot_buf_add_c(json, "\"");
	sot_buf_add_c(json, word);
	sot_buf_add_c(json, "\",");
}

static void item_steps(store_tx *tx, const step_row **r, size_t n)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, STORE_JSON_MAX);
	for (size_t k = 0; k < n; k++) {
		sot_buf_add_c(&json, k > 0 ? ",[" : "[[");
		add_word(&json, step_kind_name(r[k]->kind));
		add_word(&json, operation_state_name(r[k]->state));
		sot_buf_add_json(&json, sot_str_c(r[k]->detail));
		sot_buf_add_char(&json, ',');
		row_add_i64(&json, r[k]->started_unix_ms);
		sot_buf_add_char(&json, ',');
		row_add_i64(&json, r[k]->finished_unix_ms);
		if (r[k]->batch) {
			sot_buf_add_char(&json, ',');
			row_add_i64(&json, r[k]->batch);
		}
		sot_buf_add_char(&json, ']');
	}
	sot_buf_add_c(&json, n > 0 ? "]" : "");
	store_item_str(tx, sot_buf_str(&json));
}

static void write_tracks(
    store_tx *tx, int statement, const step_row **r, const run *runs, size_t count)
{
	store_query(tx, statement, NULL, NULL);
	VALUES(runs, count, store_item_uuid, r[row->first]->operation_id);
	VALUES(runs, count, item_u64, r[row->first]->ordinal);
	VALUES(runs, count, item_id, r[row->first]->instance_id);
	VALUES(runs, count, item_c, r[row->first]->subject);
	store_arg_array_begin(tx);
	for (size_t k = 0; k < count; k++)
		item_steps(tx, r + runs[k].first, runs[k].count);
	store_arg_array_end(tx);
}

static void item_lines(store_tx *tx, const log_row **r, size_t n)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, STORE_JSON_MAX);
	for (size_t k = 0; k < n; k++) {
		sot_buf_add_c(&json, k > 0 ? ",[" : "[[");
		row_add_i64(&json, r[k]->at_unix_ms);
		sot_buf_add_char(&json, ',');
		add_word(&json, log_level_name(r[k]->level));
		sot_buf_add_json(&json, sot_str_c(r[k]->text));
		sot_buf_add_c(&json, "]");
	}
	sot_buf_add_c(&json, n > 0 ? "]" : "");
	store_item_str(tx, sot_buf_str(&json));
}

static int by_operation(const void *a, const void *b)
{
	const log_row *x = *(const log_row *const *)a, *y = *(const log_row *const *)b;
	int order = sot_uuid_cmp(x->operation_id, y->operation_id);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void write_lines(store_tx *tx, const log_row **r, const run *runs, size_t count)
{
	store_query(tx, SCHEDULER_SQL_WRITE_LOGS, NULL, NULL);
	VALUES(runs, count, store_item_uuid, r[row->first]->operation_id);
	VALUES(runs, count, item_u64, r[row->first]->line);
	VALUES(runs, count, item_u64, row->count);
	store_arg_array_begin(tx);
	for (size_t k = 0; k < count; k++)
		item_lines(tx, r + runs[k].first, runs[k].count);
	store_arg_array_end(tx);
}

/* ---- decisions ---- */

static void write_placements(store_tx *tx, const decision_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_NEW_DECISIONS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, store_item_uuid, row->operation_id);
	COLUMN(r, n, store_item_i64, row->at_unix_ms);
	COLUMN(r, n, item_c, row->data);
}

static void write_refusals(store_tx *tx, const decision_row **r, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_REFUSALS, NULL, NULL);
	COLUMN(r, n, store_item_uuid, row->id);
	COLUMN(r, n, store_item_uuid, row->operation_id);
	COLUMN(r, n, store_item_bool, row->open);
	COLUMN(r, n, store_item_i64, row->at_unix_ms);
	COLUMN(r, n, store_item_i64, row->next_unix_ms);
	COLUMN(r, n, item_c, row->data);
}

/* ---- what new operations begin with ---- */

/* Of one new operation; what is not there is NULL. */
typedef struct start {
	sot_uuid operation_id;
	const step_row **steps;
	const log_row **lines;
	const decision_row *decision;
	size_t step_count, line_count;
} start;

static int by_id(const void *a, const void *b)
{
	return sot_uuid_cmp(((const start *)a)->operation_id, ((const start *)b)->operation_id);
}

/* Those of the batch, by id; the caller frees them. */
static start *new_starts(const controller_batch *b)
{
	const operation_row **news = b->operations + (b->operation_count - b->new_operations);
	start *starts = sot_alloc_array(b->new_operations, sizeof(*starts));

	for (size_t k = 0; k < b->new_operations; k++)
		starts[k].operation_id = news[k]->id;
	qsort(starts, b->new_operations, sizeof(*starts), by_id);
	return starts;
}

static start *find_start(const controller_batch *b, start *starts, sot_uuid operation_id)
{
	start key = {.operation_id = operation_id};

	return bsearch(&key, starts, b->new_operations, sizeof(*starts), by_id);
}

/* Whether these steps of one instance begin their operation: those from ordinal 0 on do. */
static bool begin_with_steps(
    const controller_batch *b, start *starts, const step_row **steps, size_t count)
{
	start *s = steps[0]->ordinal == 0 ? find_start(b, starts, steps[0]->operation_id) : NULL;

	if (s) {
		s->steps = steps;
		s->step_count = count;
	}
	return s != NULL;
}

static bool begin_with_lines(
    const controller_batch *b, start *starts, const log_row **lines, size_t count)
{
	start *s = lines[0]->line == 1 ? find_start(b, starts, lines[0]->operation_id) : NULL;

	if (s) {
		s->lines = lines;
		s->line_count = count;
	}
	return s != NULL;
}

static void write_starts(store_tx *tx, const start *starts, size_t n)
{
	store_query(tx, SCHEDULER_SQL_WRITE_STARTS, NULL, NULL);
	VALUES(starts, n, store_item_uuid, row->operation_id);
	VALUES(starts, n, item_id, row->steps ? row->steps[0]->instance_id : (sot_uuid){{0}});
	VALUES(starts, n, item_c, row->steps ? row->steps[0]->subject : "");
	store_arg_array_begin(tx);
	for (size_t k = 0; k < n; k++)
		item_steps(tx, starts[k].steps, starts[k].step_count);
	store_arg_array_end(tx);
	store_arg_array_begin(tx);
	for (size_t k = 0; k < n; k++)
		item_lines(tx, starts[k].lines, starts[k].line_count);
	store_arg_array_end(tx);
	VALUES(starts, n, store_item_i64, row->decision ? row->decision->at_unix_ms : 0);
	VALUES(starts, n, item_c, row->decision ? row->decision->data : "");
}

static void write_old_steps(store_tx *tx, const controller_batch *b)
{
	size_t old = b->step_count - b->new_steps, count = 0;
	run *runs = cut_runs(b->steps, old, is_of_step_run, &count);

	if (count > 0)
		write_tracks(tx, SCHEDULER_SQL_WRITE_STEPS, b->steps, runs, count);
	free(runs);
}

static void write_new_steps(store_tx *tx, const controller_batch *b, start *starts)
{
	const step_row **r = b->steps + (b->step_count - b->new_steps);
	size_t count = 0, left = 0;
	run *runs = cut_runs(r, b->new_steps, is_of_step_run, &count);

	for (size_t k = 0; k < count; k++) {
		if (!begin_with_steps(b, starts, r + runs[k].first, runs[k].count))
			runs[left++] = runs[k];
	}
	if (left > 0)
		write_tracks(tx, SCHEDULER_SQL_WRITE_NEW_STEPS, r, runs, left);
	free(runs);
}

/* The lines of one operation are one row, whatever was said of others in between. The sorted lines,
 * which the caller frees. */
static const log_row **write_logs(store_tx *tx, const controller_batch *b, start *starts)
{
	const log_row **r = sot_alloc_array(b->log_count, sizeof(*r));
	size_t count = 0, left = 0;

	for (size_t k = 0; k < b->log_count; k++)
		r[k] = &b->logs[k];
	qsort(r, b->log_count, sizeof(*r), by_operation);
	run *runs = cut_runs(r, b->log_count, is_of_log_run, &count);
	for (size_t k = 0; k < count; k++) {
		if (!begin_with_lines(b, starts, r + runs[k].first, runs[k].count))
			runs[left++] = runs[k];
	}
	if (left > 0)
		write_lines(tx, r, runs, left);
	free(runs);
	return r;
}

static void write_decisions(store_tx *tx, const controller_batch *b, start *starts)
{
	size_t n = b->decision_count, placed = 0, refused = 0;
	const decision_row **sorted = sot_alloc_array(n + 1, sizeof(*sorted));

	for (size_t k = 0; k < n; k++) {
		const decision_row *d = &b->decisions[k];
		start *s = !d->refused && sot_uuid_eq(d->id, d->operation_id)
		               ? find_start(b, starts, d->operation_id)
		               : NULL;
		if (s)
			s->decision = d;
		else if (d->refused)
			sorted[n - ++refused] = d;
		else
			sorted[placed++] = d;
	}
	if (placed > 0)
		write_placements(tx, sorted, placed);
	if (refused > 0)
		write_refusals(tx, sorted + n - refused, refused);
	free(sorted);
}

void write_histories(store_tx *tx, const controller_batch *b)
{
	start *starts = new_starts(b);

	write_old_steps(tx, b);
	write_new_steps(tx, b, starts);
	const log_row **lines = write_logs(tx, b, starts);
	write_decisions(tx, b, starts);
	if (b->new_operations > 0)
		write_starts(tx, starts, b->new_operations);
	free(lines);
	free(starts);
}
