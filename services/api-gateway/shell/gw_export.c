/* GET /v1/exports/ipam.csv: VLANs, subnets, ranges and the addresses that no instance holds, read
 * in one snapshot; an import of the file changes nothing. The whole file is made before its first
 * byte leaves: a file that is cut short would look like a complete one. */
#include "gateway.h"

#include "gw_csv.h"
#include "gw_sql.h"

#include <string.h>

#define COLUMNS_MAX 12

typedef struct export_part {
	const char *kind;
	int statement;
	size_t column_count;
	gw_csv_column columns[COLUMNS_MAX]; /* of the statement's columns, in order */
} export_part;

static const export_part parts[] = {
    {"vlan", GW_SQL_EXPORT_VLANS, 9,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_VLAN_ID, GW_CSV_GROUP, GW_CSV_MTU, GW_CSV_ISOLATED,
            GW_CSV_DNS_ZONE, GW_CSV_SCOPES, GW_CSV_DESCRIPTION}},
    {"subnet", GW_SQL_EXPORT_SUBNETS, 12,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_CIDR, GW_CSV_GATEWAY, GW_CSV_FIRST, GW_CSV_LAST,
            GW_CSV_DNS, GW_CSV_RANK, GW_CSV_WEIGHT, GW_CSV_OPEN, GW_CSV_REDUNDANT_GATEWAY,
            GW_CSV_DESCRIPTION}},
    {"range", GW_SQL_EXPORT_RANGES, 7,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_FIRST, GW_CSV_LAST, GW_CSV_STATE, GW_CSV_OWNER,
            GW_CSV_REASON}},
    {"address", GW_SQL_EXPORT_ADDRESSES, 7,
        {GW_CSV_VRF, GW_CSV_VLAN, GW_CSV_ADDRESS, GW_CSV_STATE, GW_CSV_OWNER, GW_CSV_MAC,
            GW_CSV_REASON}},
};

/* PostgreSQL writes t and f; the file says true and false. */
static sot_str cell_of(gw_csv_column column, sot_str text)
{
	bool is_flag =
	    column == GW_CSV_ISOLATED || column == GW_CSV_OPEN || column == GW_CSV_REDUNDANT_GATEWAY;
	if (!is_flag)
		return text;
	return sot_str_eq_c(text, "t") ? SOT_STR("true") : SOT_STR("false");
}

static void add_rows(gw_call *c, const export_part *part, const store_result *res)
{
	for (size_t row = 0; row < store_rows(res); row++) {
		sot_str cells[GW_CSV_COUNT] = {[GW_CSV_KIND] = sot_str_c(part->kind)};
		for (size_t i = 0; i < part->column_count; i++)
			cells[part->columns[i]] = cell_of(part->columns[i], store_text(res, row, (int)i));
		gw_csv_line(cells, &c->rows);
	}
}

#define ON_PART(name, index)                                                                       \
	static void on_##name(void *self, const store_result *res)                                     \
	{                                                                                              \
		add_rows(self, &parts[index], res);                                                        \
	}
ON_PART(vlans, 0)
ON_PART(subnets, 1)
ON_PART(ranges, 2)
ON_PART(addresses, 3)

static void on_exported(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	gw_reply *reply;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (sot_buf_failed(&c->rows)) {
		call_problem(c, 500, "limit", "the file is larger than 32 MiB");
		return;
	}
	reply = gw_reply_bytes(200, "text/csv; charset=utf-8", sot_buf_str(&c->rows));
	gw_reply_header(reply, "Cache-Control", "no-store");
	gw_reply_header(reply, "Content-Disposition", "attachment; filename=\"ipam.csv\"");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

void serve_ipam_export(gw_call *c)
{
	static const store_rows_fn handlers[] = {on_vlans, on_subnets, on_ranges, on_addresses};
	store_tx *tx = store_begin_read(c->g->db);
	sot_err err = {0};
	gw_csv_header(&c->rows);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		store_query(tx, parts[i].statement, handlers[i], c);
	if (store_commit(&tx, on_exported, c, &err) != SOT_OK)
		call_fail(c, &err);
}
