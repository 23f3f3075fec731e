#include "import_rows.h"

#include "import_csv.h"
#include "sot_parse.h"
#include "vlan_plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DETAIL_MAX = 400, WEIGHT_MAX = 1000 };

static const char *const names[] = {
#define X(name) #name,
    IMPORT_COLUMNS(X)
#undef X
};

const char *import_column_name(import_column column)
{
	return names[column];
}

import_rows *import_rows_new(void)
{
	import_rows *rows = sot_alloc(sizeof(*rows));
	rows->arena = sot_arena_new(IMPORT_BYTES_MAX);
	rows->errors = sot_alloc_array(IMPORT_ERRORS_KEPT, sizeof(*rows->errors));
	return rows;
}

import_rows *import_rows_free(import_rows *rows)
{
	if (!rows)
		return NULL;
	free(rows->vlans);
	free(rows->subnets);
	free(rows->ranges);
	free(rows->addresses);
	free(rows->errors);
	sot_arena_free(rows->arena);
	free(rows);
	return NULL;
}

void import_rows_refuse(import_rows *rows, uint32_t line, const char *column, const char *fmt, ...)
{
	char text[DETAIL_MAX];
	if (rows->error_count++ >= IMPORT_ERRORS_KEPT)
		return;
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rows->errors[rows->error_count - 1] =
	    (import_error){line, column, sot_arena_dup(rows->arena, sot_str_c(text))};
}

static int by_line(const void *a, const void *b)
{
	const import_error *x = a, *y = b;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return strcmp(x->column, y->column);
}

void import_rows_sort_errors(import_rows *rows)
{
	size_t kept = rows->error_count < IMPORT_ERRORS_KEPT ? rows->error_count : IMPORT_ERRORS_KEPT;
	qsort(rows->errors, kept, sizeof(rows->errors[0]), by_line);
}

/* ---- cells to values ---- */

/* A line on its way: what is wrong is told by the column. */
typedef struct reading {
	import_rows *rows;
	const import_cells *cells;
	uint32_t line, given;
	bool is_bad;
} reading;

static bool has(const reading *r, import_column column)
{
	return import_has(r->given, column);
}

static void bad(reading *r, import_column column, const sot_err *err)
{
	r->is_bad = true;
	import_rows_refuse(r->rows, r->line, names[column], "%s", err->text);
}

/* SOT_ARG with a bound, for texts of a file in an error. */
#define SHOWN(s) (s).n > 80 ? 80 : (int)(s).n, (s).p ? (s).p : ""

static sot_str text_of(reading *r, import_column column, size_t max)
{
	sot_err err = {0};
	sot_str cell = r->cells->at[column];
	bool good = sot_str_is_utf8(cell);
	for (size_t i = 0; good && i < cell.n; i++)
		good = ((unsigned char)cell.p[i] >= ' ' && cell.p[i] != 0x7f) || cell.p[i] == '\n' ||
		       cell.p[i] == '\t'; /* as in requests, so that an export can be imported */
	if (!good)
		(void)sot_fail(
		    &err, SOT_INVALID, "control characters, or not UTF-8; save the file as UTF-8");
	else if (cell.n > max)
		(void)sot_fail(&err, SOT_INVALID, "%zu bytes are too long, at most %zu", cell.n, max);
	if (err.code != SOT_OK)
		bad(r, column, &err);
	return sot_arena_dup(r->rows->arena, cell);
}

static uint16_t number_of(reading *r, import_column column, uint64_t low, uint64_t high)
{
	uint64_t value = low;
	sot_err err = {0};
	sot_str cell = r->cells->at[column];
	if (has(r, column) && sot_parse_u64(cell, low, high, &value, NULL) != SOT_OK) {
		(void)sot_fail(&err, SOT_INVALID, "\"%.*s\" is not a number from %llu to %llu", SHOWN(cell),
		    (unsigned long long)low, (unsigned long long)high);
		bad(r, column, &err);
	}
	return (uint16_t)value;
}

static bool bool_of(reading *r, import_column column)
{
	bool value = false;
	sot_err err = {0};
	sot_str cell = r->cells->at[column];
	if (has(r, column) && sot_parse_bool(cell, &value, NULL) != SOT_OK) {
		(void)sot_fail(&err, SOT_INVALID, "\"%.*s\" is neither true nor false", SHOWN(cell));
		bad(r, column, &err);
	}
	return value;
}

static sot_ip ip_of(reading *r, import_column column)
{
	sot_ip ip = {0};
	sot_err err = {0};
	if (has(r, column) && sot_ip_parse(r->cells->at[column], &ip, &err) != SOT_OK)
		bad(r, column, &err);
	return ip;
}

/* The word of the list that the cell is; the first one when it is empty and that is allowed. */
static const char *word_of(
    reading *r, import_column column, const char *const *words, size_t count, bool has_default)
{
	sot_str cell = r->cells->at[column];
	char all[80] = "";
	size_t n = 0;
	if (!has(r, column) && has_default)
		return words[0];
	for (size_t i = 0; i < count; i++) {
		if (sot_str_eq_c(cell, words[i]))
			return words[i];
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	sot_err err = {0};
	(void)sot_fail(&err, SOT_INVALID, "\"%.*s\" is not one of %s", SHOWN(cell), all);
	bad(r, column, &err);
	return words[0];
}

static void must(reading *r, import_column column, const char *what)
{
	sot_err err = {0};
	if (has(r, column))
		return;
	(void)sot_fail(&err, SOT_INVALID, "%s is missing", what);
	bad(r, column, &err);
}

/* Up to three resolvers in one canonical text. */
static sot_str dns_of(reading *r)
{
	char text[IMPORT_DNS_MAX * SOT_IP_TEXT] = "", one[SOT_IP_TEXT];
	sot_str rest = r->cells->at[IMPORT_dns];
	sot_err err = {0};
	size_t n = 0, count = 0;
	while (rest.n > 0) {
		sot_ip ip = {0};
		sot_str word = sot_str_cut(rest, ' ', &rest);
		if (word.n == 0)
			continue;
		if (++count > IMPORT_DNS_MAX)
			(void)sot_fail(&err, SOT_INVALID, "more than three resolvers");
		if (err.code != SOT_OK || sot_ip_parse(word, &ip, &err) != SOT_OK) {
			bad(r, IMPORT_dns, &err);
			return (sot_str){0};
		}
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "", sot_ip_format(ip, one));
	}
	return sot_arena_dup(r->rows->arena, sot_str_c(text));
}

static sot_str scopes_of(reading *r)
{
	sot_str scopes = {"", 0};
	sot_err err = {0};
	sot_str cell = r->cells->at[IMPORT_scopes];
	if (!sot_str_eq_c(cell, "everywhere") &&
	    vlan_scopes_read(cell, r->rows->arena, &scopes, &err) != SOT_OK)
		bad(r, IMPORT_scopes, &err);
	return scopes;
}

/* Room for one more item; NULL when the file has too many lines. */
static void *more(void *items, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return items;
	size_t wanted = *cap ? *cap * 2 : 64;
	items = sot_grow_array(items, *cap, wanted, size);
	*cap = wanted;
	return items;
}

#define PUSH(rows, list, count, cap, item)                                                         \
	do {                                                                                           \
		(rows)->list = more((rows)->list, (rows)->count, &(rows)->cap, sizeof(*(rows)->list));     \
		(rows)->list[(rows)->count++] = (item);                                                    \
	} while (0)

/* ---- the kinds ---- */

#define BIT(column) (1u << IMPORT_##column)
static const uint32_t allowed[] = {
    BIT(kind) | BIT(vrf) | BIT(vlan) | BIT(vlan_id) | BIT(group) | BIT(mtu) | BIT(isolated) |
        BIT(dns_zone) | BIT(scopes) | BIT(description),
    BIT(kind) | BIT(vrf) | BIT(vlan) | BIT(cidr) | BIT(gateway) | BIT(first) | BIT(last) |
        BIT(dns) | BIT(rank) | BIT(weight) | BIT(open) | BIT(redundant_gateway) | BIT(description),
    BIT(kind) | BIT(vrf) | BIT(vlan) | BIT(first) | BIT(last) | BIT(state) | BIT(owner) |
        BIT(reason) | BIT(pool),
    BIT(kind) | BIT(vrf) | BIT(vlan) | BIT(address) | BIT(state) | BIT(owner) | BIT(mac) |
        BIT(reason),
};

static void add_vlan(reading *r)
{
	must(r, IMPORT_vlan, "the VLAN's name");
	import_vlan vlan = {.line = r->line,
	    .given = r->given,
	    .name = text_of(r, IMPORT_vlan, VLAN_NAME_MAX),
	    .vrf = text_of(r, IMPORT_vrf, VLAN_NAME_MAX),
	    .group = text_of(r, IMPORT_group, VLAN_NAME_MAX),
	    .dns_zone = text_of(r, IMPORT_dns_zone, VLAN_ZONE_MAX),
	    .description = text_of(r, IMPORT_description, VLAN_DESCRIPTION_MAX),
	    .scopes = scopes_of(r),
	    .vlan_id = number_of(r, IMPORT_vlan_id, 0, VLAN_ID_MAX),
	    .mtu = number_of(r, IMPORT_mtu, 0, VLAN_MTU_MAX),
	    .isolated = bool_of(r, IMPORT_isolated)};
	if (!r->is_bad)
		PUSH(r->rows, vlans, vlan_count, vlan_cap, vlan);
}

static void add_subnet(reading *r)
{
	sot_err err = {0};
	must(r, IMPORT_vlan, "the subnet's VLAN");
	must(r, IMPORT_cidr, "the subnet");
	import_subnet subnet = {.line = r->line,
	    .given = r->given,
	    .vlan = text_of(r, IMPORT_vlan, VLAN_NAME_MAX),
	    .vrf = text_of(r, IMPORT_vrf, VLAN_NAME_MAX),
	    .description = text_of(r, IMPORT_description, VLAN_DESCRIPTION_MAX),
	    .dns = dns_of(r),
	    .gateway = ip_of(r, IMPORT_gateway),
	    .first = ip_of(r, IMPORT_first),
	    .last = ip_of(r, IMPORT_last),
	    .rank = number_of(r, IMPORT_rank, 0, UINT16_MAX),
	    .weight = number_of(r, IMPORT_weight, 1, WEIGHT_MAX),
	    .open = has(r, IMPORT_open) ? bool_of(r, IMPORT_open) : true,
	    .redundant_gateway = bool_of(r, IMPORT_redundant_gateway)};
	if (has(r, IMPORT_cidr) && sot_ip_parse_cidr(r->cells->at[IMPORT_cidr], &subnet.network,
	                               &subnet.prefix, &err) != SOT_OK)
		bad(r, IMPORT_cidr, &err);
	if (!r->is_bad)
		PUSH(r->rows, subnets, subnet_count, subnet_cap, subnet);
}

static void check_pool(reading *r, const import_range *range)
{
	sot_err err = {0};
	if (range->pool.n == 0)
		return;
	if (strcmp(range->use, "pool") != 0)
		(void)sot_fail(&err, SOT_INVALID, "only a range of state pool can be of a named pool");
	else if (!sot_is_label(range->pool, VLAN_NAME_MAX))
		(void)sot_fail(&err, SOT_INVALID,
		    "\"%.*s\" is not 1 to 32 of a-z, 0-9 and -, beginning with a letter",
		    SHOWN(range->pool));
	if (err.code != SOT_OK)
		bad(r, IMPORT_pool, &err);
}

static void add_range(reading *r)
{
	static const char *const uses[] = {"pool", "reserved", "excluded"};
	must(r, IMPORT_first, "the first address");
	must(r, IMPORT_last, "the last address");
	import_range range = {.line = r->line,
	    .given = r->given,
	    .vlan = text_of(r, IMPORT_vlan, VLAN_NAME_MAX),
	    .vrf = text_of(r, IMPORT_vrf, VLAN_NAME_MAX),
	    .owner = text_of(r, IMPORT_owner, IMPORT_OWNER_MAX),
	    .reason = text_of(r, IMPORT_reason, IMPORT_REASON_MAX),
	    .pool = text_of(r, IMPORT_pool, IMPORT_REASON_MAX),
	    .first = ip_of(r, IMPORT_first),
	    .last = ip_of(r, IMPORT_last),
	    .use = word_of(r, IMPORT_state, uses, 3, false)};
	check_pool(r, &range);
	if (!r->is_bad)
		PUSH(r->rows, ranges, range_count, range_cap, range);
}

static void check_owner(reading *r, const import_address *address)
{
	sot_err err = {0};
	bool is_static = strcmp(address->state, "static") == 0;
	if (is_static && address->owner.n == 0)
		(void)sot_fail(&err, SOT_INVALID, "a static address needs an owner");
	else if (address->owner.n > 0 && !sot_is_label(address->owner, IMPORT_OWNER_MAX))
		(void)sot_fail(&err, SOT_INVALID,
		    "\"%.*s\" is not a DNS label: a-z, 0-9 and -, beginning with a letter",
		    SHOWN(address->owner));
	if (err.code != SOT_OK)
		bad(r, IMPORT_owner, &err);
}

static void add_address(reading *r)
{
	static const char *const states[] = {"static", "excluded"};
	static const char *const of_instances[] = {
	    "reserved", "bound", "cooling", "conflict", "suspect"};
	sot_err err = {0};
	sot_str state = r->cells->at[IMPORT_state];
	for (size_t i = 0; i < sizeof(of_instances) / sizeof(of_instances[0]); i++) {
		if (!sot_str_eq_c(state, of_instances[i]))
			continue;
		(void)sot_fail(&err, SOT_INVALID,
		    "%.*s is for Sotalia to say; only static and excluded addresses are imported, leave "
		    "the "
		    "line out",
		    SOT_ARG(state));
		bad(r, IMPORT_state, &err);
		return;
	}
	must(r, IMPORT_address, "the address");
	import_address address = {.line = r->line,
	    .given = r->given,
	    .vlan = text_of(r, IMPORT_vlan, VLAN_NAME_MAX),
	    .vrf = text_of(r, IMPORT_vrf, VLAN_NAME_MAX),
	    .owner = text_of(r, IMPORT_owner, IMPORT_OWNER_MAX),
	    .reason = text_of(r, IMPORT_reason, IMPORT_REASON_MAX),
	    .address = ip_of(r, IMPORT_address),
	    .state = word_of(r, IMPORT_state, states, 2, true)};
	if (has(r, IMPORT_mac) && sot_parse_mac(r->cells->at[IMPORT_mac], address.mac, &err) != SOT_OK)
		bad(r, IMPORT_mac, &err);
	check_owner(r, &address);
	if (!r->is_bad)
		PUSH(r->rows, addresses, address_count, address_cap, address);
}

/* A value in a column that the kind does not have would be lost silently. */
static void check_columns(reading *r, size_t kind, const char *const *kinds)
{
	sot_err err = {0};
	for (size_t i = 0; i < IMPORT_COLUMN_COUNT; i++) {
		if (!(r->given & ~allowed[kind] & (1u << i)))
			continue;
		(void)sot_fail(
		    &err, SOT_INVALID, "a %s has no %s; leave the cell empty", kinds[kind], names[i]);
		bad(r, (import_column)i, &err);
	}
}

void import_rows_add(import_rows *rows, uint32_t line, const import_cells *cells)
{
	static const char *const kinds[] = {"vlan", "subnet", "range", "address"};
	static void (*const add[])(reading *) = {add_vlan, add_subnet, add_range, add_address};
	reading r = {.rows = rows, .cells = cells, .line = line};
	if (++rows->lines > IMPORT_LINES_MAX) {
		if (rows->lines == IMPORT_LINES_MAX + 1)
			import_rows_refuse(
			    rows, line, "", "more than %d lines; split the file", IMPORT_LINES_MAX);
		return;
	}
	for (size_t i = 0; i < IMPORT_COLUMN_COUNT; i++)
		r.given |= (uint32_t)(cells->at[i].n > 0) << i;
	const char *kind = word_of(&r, IMPORT_kind, kinds, 4, false);
	for (size_t i = 0; !r.is_bad && i < 4; i++) {
		if (kind != kinds[i])
			continue;
		check_columns(&r, i, kinds);
		add[i](&r);
		return;
	}
}

/* ---- CSV ---- */

typedef struct csv_import {
	import_rows *rows;
	bool has_header,
	    is_useless; /* useless: the first line is wrong, nothing can be said of others */
	import_column column[CSV_FIELDS_MAX];
	size_t count;
} csv_import;

static void take_header(csv_import *in, uint32_t line, const sot_str *fields, size_t count)
{
	uint32_t seen = 0;
	in->has_header = true;
	in->count = count;
	for (size_t i = 0; i < count; i++) {
		import_column column = 0;
		while (column < IMPORT_COLUMN_COUNT && !sot_str_eq_c(fields[i], names[column]))
			column++;
		if (column == IMPORT_COLUMN_COUNT || import_has(seen, column)) {
			in->is_useless = true;
			import_rows_refuse(in->rows, line, "",
			    "the first line names the columns; \"%.*s\" %s (docs/import.md lists them)",
			    SHOWN(fields[i]), column == IMPORT_COLUMN_COUNT ? "is none" : "comes twice");
			continue;
		}
		seen |= 1u << column;
		in->column[i] = column;
	}
	if (!in->is_useless && !import_has(seen, IMPORT_kind)) {
		in->is_useless = true;
		import_rows_refuse(in->rows, line, "kind",
		    "the first line names the columns; kind is missing (docs/import.md lists them)");
	}
}

static void on_record(void *self, uint32_t line, const sot_str *fields, size_t count)
{
	csv_import *in = self;
	if (!in->has_header) {
		take_header(in, line, fields, count);
		return;
	}
	if (in->is_useless)
		return;
	if (count != in->count) {
		in->rows->lines++;
		import_rows_refuse(in->rows, line, "",
		    "%zu fields, but the first line names %zu columns; is a comma missing, or a field with "
		    "a "
		    "comma not in quotes?",
		    count, in->count);
		return;
	}
	import_cells cells = {0};
	for (size_t i = 0; i < count; i++)
		cells.at[in->column[i]] = fields[i];
	import_rows_add(in->rows, line, &cells);
}

static void on_error(void *self, uint32_t line, const char *detail)
{
	csv_import *in = self;
	in->rows->lines++;
	import_rows_refuse(in->rows, line, "", "%s", detail);
}

void import_rows_read_csv(import_rows *rows, sot_str file)
{
	csv_import in = {.rows = rows};
	SOT_AUTO(csv_reader)
	reader = csv_reader_new(&(csv_handlers){on_record, on_error, &in});
	csv_reader_feed(reader, file);
	csv_reader_end(reader);
	if (!in.has_header)
		import_rows_refuse(rows, 1, "", "the file is empty");
}
