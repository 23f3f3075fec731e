/* Files of an import: the first byte picks the format, the rest is the file. Whatever it holds,
 * every error has a line and words, and a plan is made against nothing and against itself: what is
 * accepted and applied leaves nothing to change. */
#include "import_netbox.h"
#include "import_plan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void read_file(import_rows *rows, bool is_csv, sot_str file)
{
	if (is_csv)
		import_rows_read_csv(rows, file);
	else
		import_rows_read_netbox(rows, file);
}

static void check_errors(const import_rows *rows)
{
	size_t kept = rows->error_count < IMPORT_ERRORS_KEPT ? rows->error_count : IMPORT_ERRORS_KEPT;
	for (size_t i = 0; i < kept; i++) {
		check(rows->errors[i].line > 0 && rows->errors[i].detail.n > 0);
		check(i == 0 || rows->errors[i - 1].line <= rows->errors[i].line);
	}
}

static void check_again(const import_plan *plan, bool is_csv, sot_str file)
{
	import_facts facts = {.vlans = sot_alloc_array(plan->vlan_count + 1, sizeof(vlan_fact)),
	    .subnets = sot_alloc_array(plan->subnet_count + 1, sizeof(subnet_fact)),
	    .ranges = sot_alloc_array(plan->range_count + 1, sizeof(range_fact)),
	    .addresses = sot_alloc_array(plan->address_count + 1, sizeof(address_fact))};
	for (size_t i = 0; i < plan->vlan_count; i++)
		facts.vlans[facts.vlan_count++].plan = plan->vlans[i].plan;
	for (size_t i = 0; i < plan->subnet_count; i++)
		facts.subnets[facts.subnet_count++] = plan->subnets[i].to;
	for (size_t i = 0; i < plan->range_count; i++)
		facts.ranges[facts.range_count++] = plan->ranges[i].to;
	for (size_t i = 0; i < plan->address_count; i++) {
		address_fact *fact = &facts.addresses[facts.address_count++];
		*fact = (address_fact){.vrf = plan->addresses[i].vrf,
		    .owner = plan->addresses[i].owner,
		    .reason = plan->addresses[i].reason,
		    .state = sot_str_c(plan->addresses[i].state),
		    .address = plan->addresses[i].row->address};
		memcpy(fact->mac, plan->addresses[i].mac, sizeof(fact->mac));
	}
	SOT_AUTO(import_rows) rows = import_rows_new();
	read_file(rows, is_csv, file);
	SOT_AUTO(import_plan) second = import_plan_new(rows, &facts);
	check(rows->error_count == 0);
	check(second->changed_vlans + second->changed_subnets + second->changed_ranges +
	          second->changed_addresses ==
	      0);
	free(facts.vlans);
	free(facts.subnets);
	free(facts.ranges);
	free(facts.addresses);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const import_facts nothing;
	if (size < 1)
		return 0;
	bool is_csv = data[0] & 1;
	sot_str file = {(const char *)data + 1, size - 1};
	SOT_AUTO(import_rows) rows = import_rows_new();
	read_file(rows, is_csv, file);
	SOT_AUTO(import_plan) plan = import_plan_new(rows, &nothing);
	check_errors(rows);
	if (rows->error_count == 0)
		check_again(plan, is_csv, file);
	return 0;
}
