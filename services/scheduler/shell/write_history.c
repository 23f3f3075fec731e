/* The steps and log lines of operations as SQL: several of them are one row. */
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

static void item_step_run(store_tx *tx, const step_row **r, run steps)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, STORE_JSON_MAX);
	for (size_t k = steps.first; k < steps.first + steps.count; k++) {
		sot_buf_add_c(&json, k > steps.first ? ",[" : "[[");
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
	sot_buf_add_c(&json, "]");
	store_item_str(tx, sot_buf_str(&json));
}

static void write_tracks(store_tx *tx, int statement, const step_row **r, size_t n)
{
	size_t count = 0;
	run *runs = cut_runs(r, n, is_of_step_run, &count);

	store_query(tx, statement, NULL, NULL);
	VALUES(runs, count, store_item_uuid, r[row->first]->operation_id);
	VALUES(runs, count, item_u64, r[row->first]->ordinal);
	VALUES(runs, count, item_id, r[row->first]->instance_id);
	VALUES(runs, count, item_c, r[row->first]->subject);
	store_arg_array_begin(tx);
	for (size_t k = 0; k < count; k++)
		item_step_run(tx, r, runs[k]);
	store_arg_array_end(tx);
	free(runs);
}

void write_steps(store_tx *tx, const step_row **r, size_t n)
{
	write_tracks(tx, SCHEDULER_SQL_WRITE_STEPS, r, n);
}

void write_new_steps(store_tx *tx, const step_row **r, size_t n)
{
	write_tracks(tx, SCHEDULER_SQL_WRITE_NEW_STEPS, r, n);
}

static void item_log_run(store_tx *tx, const log_row **r, run lines)
{
	SOT_AUTO_BUF json = {0};

	sot_buf_init(&json, STORE_JSON_MAX);
	for (size_t k = lines.first; k < lines.first + lines.count; k++) {
		sot_buf_add_c(&json, k > lines.first ? ",[" : "[[");
		row_add_i64(&json, r[k]->at_unix_ms);
		sot_buf_add_char(&json, ',');
		add_word(&json, log_level_name(r[k]->level));
		sot_buf_add_json(&json, sot_str_c(r[k]->text));
		sot_buf_add_c(&json, "]");
	}
	sot_buf_add_c(&json, "]");
	store_item_str(tx, sot_buf_str(&json));
}

static int by_operation(const void *a, const void *b)
{
	const log_row *x = *(const log_row *const *)a, *y = *(const log_row *const *)b;
	int order = sot_uuid_cmp(x->operation_id, y->operation_id);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* The lines of one operation are one row, whatever was said of others in between. */
void write_logs(store_tx *tx, const log_row *rows, size_t n)
{
	const log_row **r = sot_alloc_array(n, sizeof(*r));
	size_t count = 0;

	for (size_t k = 0; k < n; k++)
		r[k] = &rows[k];
	qsort(r, n, sizeof(*r), by_operation);
	run *runs = cut_runs(r, n, is_of_log_run, &count);
	store_query(tx, SCHEDULER_SQL_WRITE_LOGS, NULL, NULL);
	VALUES(runs, count, store_item_uuid, r[row->first]->operation_id);
	VALUES(runs, count, item_u64, r[row->first]->line);
	VALUES(runs, count, item_u64, row->count);
	store_arg_array_begin(tx);
	for (size_t k = 0; k < count; k++)
		item_log_run(tx, r, runs[k]);
	store_arg_array_end(tx);
	free(runs);
	free(r);
}
