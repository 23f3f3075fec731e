#include "gw_csv.h"

#include <string.h>

void gw_csv_header(sot_buf *out)
{
	sot_buf_add_c(out,
	    "kind,vrf,vlan,vlan_id,group,mtu,isolated,dns_zone,scopes,cidr,gateway,first,last,dns,rank,"
	    "weight,open,redundant_gateway,address,state,owner,mac,reason,description,pool\n");
}

static bool must_be_quoted(sot_str cell)
{
	for (size_t i = 0; i < cell.n; i++)
		if (strchr(",\"\r\n", cell.p[i]) != NULL)
			return true;
	return cell.n > 0 && (cell.p[0] == ' ' || cell.p[cell.n - 1] == ' ');
}

static void add_cell(sot_str cell, sot_buf *out)
{
	if (!must_be_quoted(cell)) {
		sot_buf_add_str(out, cell);
		return;
	}
	sot_buf_add_char(out, '"');
	for (size_t i = 0; i < cell.n; i++) {
		if (cell.p[i] == '"')
			sot_buf_add_char(out, '"');
		sot_buf_add_char(out, cell.p[i]);
	}
	sot_buf_add_char(out, '"');
}

void gw_csv_line(const sot_str cells[static GW_CSV_COUNT], sot_buf *out)
{
	for (size_t i = 0; i < GW_CSV_COUNT; i++) {
		if (i > 0)
			sot_buf_add_char(out, ',');
		add_cell(cells[i], out);
	}
	sot_buf_add_char(out, '\n');
}
