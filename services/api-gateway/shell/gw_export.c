/* GET /v1/exports/ipam.csv: VLANs, subnets, ranges and the addresses that no instance holds; an
 * import of the file changes nothing.
 *
 * Any number of lines in the memory of one page: the next page is read when the client has taken
 * the one before. Each page tells the stamp of the plan; an export in which VLANs, subnets or
 * ranges were changed would not be one of any moment, so it is broken off, as it is when the
 * database does not answer: the client sees a body without an end, and never takes a part for the
 * whole.
 */
#include "gateway.h"

#include "gw_csv.h"
#include "gw_sql.h"
#include "sot_log.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 12, PAGE_LINES = 1000, STAMP_MAX = 200, KEY_MAX = 200 };
#define PAGE_BYTES_MAX ((size_t)8 * 1024 * 1024)

typedef struct export_part {
	const char *kind;
	int statement;
	size_t column_count;
	gw_csv_column columns[COLUMNS_MAX]; /* of the statement's columns after the key, in order */
} export_part;

static const export_part parts[] = {
    {"vlan", GW_SQL_EXPORT_VLANS, 9,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_VLAN_ID, GW_CSV_GROUP, GW_CSV_MTU, GW_CSV_ISOLATED,
            GW_CSV_DNS_ZONE, GW_CSV_SCOPES, GW_CSV_DESCRIPTION}},
    {"subnet", GW_SQL_EXPORT_SUBNETS, 12,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_CIDR, GW_CSV_GATEWAY, GW_CSV_FIRST, GW_CSV_LAST,
            GW_CSV_DNS, GW_CSV_RANK, GW_CSV_WEIGHT, GW_CSV_OPEN, GW_CSV_REDUNDANT_GATEWAY,
            GW_CSV_DESCRIPTION}},
    {"range", GW_SQL_EXPORT_RANGES, 8,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_FIRST, GW_CSV_LAST, GW_CSV_STATE, GW_CSV_OWNER,
            GW_CSV_REASON, GW_CSV_POOL}},
    {"address", GW_SQL_EXPORT_ADDRESSES, 7,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_ADDRESS, GW_CSV_STATE, GW_CSV_OWNER, GW_CSV_MAC,
            GW_CSV_REASON}},
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

typedef struct export
{
	gw_call *call;
	size_t part;       /* that is read now; PARTS: all were */
	char key[KEY_MAX]; /* of its last line */
	char stamp[STAMP_MAX];
	sot_buf page; /* rendered */
	size_t sent;  /* of it */
	bool is_reading, is_begun, is_broken;
}
export;

static void free_export(void *state)
{
	export *x = state;
	sot_buf_clear(&x->page);
	free(x);
}

/* PostgreSQL writes t and f; the file says true and false. */
static sot_str cell_of(gw_csv_column column, sot_str text)
{
	bool is_flag =
	    column == GW_CSV_ISOLATED || column == GW_CSV_OPEN || column == GW_CSV_REDUNDANT_GATEWAY;
	if (!is_flag)
		return text;
	return sot_str_eq_c(text, "t") ? SOT_STR("true") : SOT_STR("false");
}

static void break_off(export *x, const char *why)
{
	x->is_broken = true;
	sot_log(SOT_WARN, "export.broken", "request_id=%s why=\"%s\"", x->call->request_id, why);
}

static void on_stamp(void *self, const store_result *res)
{
	export *x = ((gw_call *)self)->state;
	sot_str stamp = store_text(res, 0, 0);
	if (x->stamp[0] == '\0')
		(void)snprintf(x->stamp, sizeof(x->stamp), "%.*s", SOT_ARG(stamp));
	else if (!sot_str_eq_c(stamp, x->stamp))
		break_off(x, "VLANs, subnets or ranges were changed meanwhile");
}

static void on_lines(void *self, const store_result *res)
{
	export *x = ((gw_call *)self)->state;
	const export_part *part = &parts[x->part];
	size_t rows = store_rows(res);
	for (size_t row = 0; row < rows; row++) {
		sot_str cells[GW_CSV_COUNT] = {[GW_CSV_KIND] = sot_str_c(part->kind)};
		for (size_t i = 0; i < part->column_count; i++)
			cells[part->columns[i]] = cell_of(part->columns[i], store_text(res, row, (int)i + 1));
		gw_csv_line(cells, &x->page);
	}
	if (rows < PAGE_LINES) {
		x->part++;
		x->key[0] = '\0';
	} else if (sot_str_copy(store_text(res, rows - 1, 0), x->key, sizeof(x->key), NULL) != SOT_OK) {
		break_off(x, "a key that is too long");
	}
}

static void begin_reply(gw_call *c);

static void on_page(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	export *x = c->state;
	x->is_reading = false;
	if (outcome->code == SOT_OK && sot_buf_failed(&x->page))
		break_off(x, "a page is too large");
	if (outcome->code == SOT_OK && !x->is_begun) {
		begin_reply(c);
		return;
	}
	if (outcome->code != SOT_OK && !x->is_begun) {
		call_store_failed(c, outcome);
		return;
	}
	if (outcome->code != SOT_OK)
		break_off(x, outcome->why ? outcome->why->text : outcome->sqlstate);
	gw_request_wake(c->http);
}

static sot_code read_page(export *x, sot_err *err)
{
	gw_call *c = x->call;
	store_tx *tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_EXPORT_STAMP, on_stamp, c);
	store_query(tx, parts[x->part].statement, on_lines, c);
	store_arg_c(tx, x->key);
	store_arg_i64(tx, PAGE_LINES);
	sot_code code = store_commit(&tx, on_page, c, err);
	x->is_reading = code == SOT_OK;
	return code;
}

static void read_next(export *x)
{
	sot_err err = {0};
	sot_buf_reset(&x->page);
	x->sent = 0;
	if (x->part < PARTS && read_page(x, &err) != SOT_OK)
		break_off(x, err.text);
}

static ssize_t pull(void *self, char *dst, size_t n)
{
	export *x = self;
	while (!x->is_broken && !x->is_reading && x->sent == x->page.n && x->part < PARTS)
		read_next(x);
	if (x->is_broken)
		return GW_PULL_BROKEN;
	if (x->is_reading)
		return 0;
	if (x->sent == x->page.n)
		return -1;
	if (n > x->page.n - x->sent)
		n = x->page.n - x->sent;
	memcpy(dst, x->page.p + x->sent, n);
	x->sent += n;
	return (ssize_t)n;
}

static void begin_reply(gw_call *c)
{
	export *x = c->state;
	x->is_begun = true;
	gw_reply *reply = gw_reply_stream(200, "text/csv; charset=utf-8", pull, x);
	gw_reply_header(reply, "Cache-Control", "no-store");
	gw_reply_header(reply, "Content-Disposition", "attachment; filename=\"ipam.csv\"");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

void serve_ipam_export(gw_call *c)
{
	sot_err err = {0};
	export *x = c->state = sot_alloc(sizeof(*x));
	c->state_free = free_export;
	x->call = c;
	sot_buf_init(&x->page, PAGE_BYTES_MAX);
	gw_csv_header(&x->page);
	if (read_page(x, &err) != SOT_OK)
		call_fail(c, &err);
}
