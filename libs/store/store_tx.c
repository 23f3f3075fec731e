/* store_tx - builds a transaction: which statements, with which parameters. */
#include "store_internal.h"

#include "sot_parse.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static store_tx *make(store *s, bool read_only)
{
	store_tx *tx = sot_alloc(sizeof(*tx));
	sot_list_init(&tx->link);
	tx->store = s;
	tx->deadline_ms = s->deadline_ms;
	tx->read_only = read_only;
	sot_buf_init(&tx->text, STORE_TX_BYTES_MAX);
	return tx;
}

static store_query_slot *last_query(store_tx *tx)
{
	assert(tx->query_count > 0 && "store_query comes before its parameters");
	return &tx->queries[tx->query_count - 1];
}

/* Opens the next parameter; its text is appended to tx->text and ended by end_param. */
static void begin_param(store_tx *tx, bool is_null)
{
	assert(!tx->in_array && "store_arg_array_end is missing");
	if ((tx->param_count & (tx->param_count - 1)) == 0) {
		size_t room = tx->param_count ? tx->param_count * 2 : 1;
		tx->params = sot_grow_array(tx->params, tx->param_count, room, sizeof(*tx->params));
	}
	tx->params[tx->param_count] = (store_param){.offset = tx->text.n, .is_null = is_null};
	tx->param_count++;
	last_query(tx)->param_count++;
}

static void end_param(store_tx *tx)
{
	sot_buf_add_char(&tx->text, '\0');
}

/* A text of PostgreSQL cannot hold a NUL, and libpq would silently cut there. */
void store_tx_add_text(store_tx *tx, sot_str s)
{
	if (s.n > 0 && memchr(s.p, '\0', s.n))
		tx->nul_in_text = true;
	sot_buf_add_str(&tx->text, s);
}

store_tx *store_begin(store *s)
{
	return make(s, false);
}

store_tx *store_begin_read(store *s)
{
	return make(s, true);
}

void store_set_deadline_ms(store_tx *tx, int64_t deadline_ms)
{
	assert(deadline_ms > 0);
	tx->deadline_ms = deadline_ms;
}

void store_tx_drop_results(store_tx *tx)
{
	for (size_t i = 0; i < tx->query_count; i++) {
		PQclear(tx->queries[i].result);
		tx->queries[i].result = NULL;
	}
}

store_tx *store_tx_free(store_tx *tx)
{
	if (!tx)
		return NULL;
	sot_list_remove(&tx->link);
	store_tx_drop_results(tx);
	free(tx->queries);
	free(tx->params);
	sot_buf_clear(&tx->text);
	free(tx);
	return NULL;
}

void store_query(store_tx *tx, int statement, store_rows_fn on_rows, void *self)
{
	assert(!tx->in_array && "store_arg_array_end is missing");
	assert(statement >= 0 && (size_t)statement < tx->store->statement_count);
	if ((tx->query_count & (tx->query_count - 1)) == 0) {
		size_t room = tx->query_count ? tx->query_count * 2 : 1;
		tx->queries = sot_grow_array(tx->queries, tx->query_count, room, sizeof(*tx->queries));
	}
	tx->queries[tx->query_count++] = (store_query_slot){
	    .statement = statement, .on_rows = on_rows, .self = self, .first_param = tx->param_count};
}

void store_arg_null(store_tx *tx)
{
	begin_param(tx, true);
	end_param(tx);
}

void store_arg_str(store_tx *tx, sot_str s)
{
	begin_param(tx, false);
	store_tx_add_text(tx, s);
	end_param(tx);
}

void store_arg_c(store_tx *tx, const char *c)
{
	store_arg_str(tx, sot_str_c(c));
}

void store_arg_i64(store_tx *tx, int64_t v)
{
	begin_param(tx, false);
	sot_buf_printf(&tx->text, "%" PRId64, v);
	end_param(tx);
}

void store_arg_bool(store_tx *tx, bool v)
{
	store_arg_c(tx, v ? "t" : "f");
}

void store_arg_double(store_tx *tx, double v)
{
	begin_param(tx, false);
	if (isnan(v))
		sot_buf_add_c(&tx->text, "NaN");
	else if (isinf(v))
		sot_buf_add_c(&tx->text, v > 0 ? "Infinity" : "-Infinity");
	else
		sot_buf_printf(&tx->text, "%.17g", v);
	end_param(tx);
}

void store_arg_uuid(store_tx *tx, sot_uuid v)
{
	char text[SOT_UUID_TEXT];
	store_arg_c(tx, sot_uuid_format(v, text));
}

void store_arg_ipv4(store_tx *tx, uint32_t v)
{
	char text[16];
	store_arg_c(tx, sot_format_ipv4(v, text));
}

void store_arg_ip(store_tx *tx, sot_ip v)
{
	char text[SOT_IP_TEXT];
	if (sot_ip_is_none(v))
		store_arg_null(tx);
	else
		store_arg_c(tx, sot_ip_format(v, text));
}

void store_arg_bytes(store_tx *tx, sot_str bytes)
{
	static const char digits[] = "0123456789abcdef";
	begin_param(tx, false);
	sot_buf_add_c(&tx->text, "\\x");
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned byte = (unsigned char)bytes.p[i];
		sot_buf_add_char(&tx->text, digits[byte >> 4]);
		sot_buf_add_char(&tx->text, digits[byte & 15]);
	}
	end_param(tx);
}

void store_arg_array_begin(store_tx *tx)
{
	begin_param(tx, false);
	tx->params[tx->param_count - 1].is_array = true;
	tx->in_array = true;
}

void store_arg_array_end(store_tx *tx)
{
	assert(tx->in_array);
	tx->in_array = false;
	end_param(tx);
}

void store_wire_clear(store_wire *wire)
{
	free(wire->values);
	free(wire->lengths);
	free(wire->formats);
	sot_buf_clear(&wire->arrays);
}

static void make_room(store_wire *wire, size_t count)
{
	if (count <= wire->room)
		return;
	wire->values = sot_grow_array(wire->values, wire->room, count, sizeof(*wire->values));
	wire->lengths = sot_grow_array(wire->lengths, wire->room, count, sizeof(*wire->lengths));
	wire->formats = sot_grow_array(wire->formats, wire->room, count, sizeof(*wire->formats));
	wire->room = count;
}

/* Arrays first, as the buffer that they are written to may move. */
static void write_arrays(
    const store_tx *tx, const store_query_slot *query, const Oid *types, store_wire *wire)
{
	sot_buf_reset(&wire->arrays);
	for (size_t i = 0; i < query->param_count; i++) {
		const store_param *param = &tx->params[query->first_param + i];
		size_t begin = wire->arrays.n;
		wire->formats[i] = param->is_array && store_array_write(param, tx->text.p + param->offset,
		                                          types[i], &wire->arrays);
		wire->lengths[i] = (int)(wire->arrays.n - begin);
	}
}

void store_tx_values(
    const store_tx *tx, const store_query_slot *query, const Oid *types, store_wire *wire)
{
	make_room(wire, query->param_count);
	write_arrays(tx, query, types, wire);
	assert(!sot_buf_failed(&wire->arrays));
	const char *array = wire->arrays.p;
	for (size_t i = 0; i < query->param_count; i++) {
		const store_param *param = &tx->params[query->first_param + i];
		if (param->is_array)
			wire->values[i] = array;
		else
			wire->values[i] = param->is_null ? NULL : tx->text.p + param->offset;
		array += param->is_array ? wire->lengths[i] : 0;
	}
}

void store_tx_settle(store_tx *tx, sot_code code, const sot_err *why)
{
	tx->outcome.code = code;
	if (why)
		tx->why = *why;
	tx->outcome.why = code == SOT_OK ? NULL : &tx->why;
	tx->outcome.constraint = tx->constraint;
	if (code != SOT_OK)
		store_tx_drop_results(tx);
}
