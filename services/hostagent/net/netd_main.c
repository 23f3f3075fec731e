/* sotalia-netd - the host's network before Docker: bridges and uplinks of the VLANs in
 * <state_dir>/net/vlans.json, the guard table with the elements of all records. Runs once, at boot;
 * again at any time changes nothing that is right. Needs no control plane and no agent.
 *
 *   sotalia-netd --config=/etc/sotalia/hostagent.conf     the agent's file and keys
 *   sotalia-netd --guard-table                            the table only, without elements: for the
 * hook
 */
#include "guard_table.h"
#include "host_network.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_config.h"
#include "sot_file.h"

typedef struct netd_config {
#define CONFIG(name, type, ...) SOT_CONFIG_MEMBER_##type(name)
#include "config.def"
#undef CONFIG
} netd_config;

static const sot_config_key keys[] = {
#define CONFIG(name, type, text, min, max, doc)                                                    \
	SOT_CONFIG_ROW(netd_config, name, type, text, min, max, doc)
#include "config.def"
#undef CONFIG
};

static sot_code read_host_id(const char *state_dir, sot_uuid *ret, sot_err *err)
{
	char path[PATH_MAX];
	sot_str rest;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 64);
	(void)snprintf(path, sizeof(path), "%s/host.id", state_dir);
	sot_code code = sot_file_read(path, &text, err);
	if (code == SOT_OK)
		code = sot_uuid_parse(sot_str_cut(sot_buf_str(&text), '\n', &rest), ret, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "%s (sotalia host register makes it)", path);
}

/* A host that never had an instance has no list: then it is the untagged bridge alone. */
static sot_code read_vlans(
    const char *state_dir, uint16_t **ret_vlans, size_t *ret_count, sot_err *err)
{
	sot_code code = host_network_load_vlans(state_dir, ret_vlans, ret_count, err);
	return code == SOT_NOT_FOUND ? SOT_OK : code;
}

static void print(const host_network_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		(void)fprintf(stderr, "sotalia-netd: %s: %s\n",
		    host_network_deed_name(report->notes[i].deed), report->notes[i].text);
}

/* One VLAN that cannot be made does not keep the others: the report says which, and so does the
 * exit status. */
static sot_code set_up(const netd_config *config, host_network_report *report, sot_err *err)
{
	SOT_AUTO(host_network) network = NULL;
	uint16_t *vlans = NULL;
	size_t count = 0;
	host_network_settings settings = {.state_dir = config->state_dir,
	    .uplinks = {.vlan_uplink = config->vlan_uplink,
	        .vlan_links = config->vlan_links,
	        .vlan_bridges = config->vlan_bridges,
	        .bridge_name = config->bridge_name,
	        .bridge_uplink = config->bridge_uplink,
	        .bridge_address = config->bridge_address}};
	sot_code code = read_host_id(config->state_dir, &settings.host_id, err);
	if (code == SOT_OK)
		code = host_network_new(&settings, &network, err);
	if (code == SOT_OK)
		code = read_vlans(config->state_dir, &vlans, &count, err);
	if (code == SOT_OK)
		host_network_check(network, vlans, count, report);
	free(vlans);
	return code;
}

static int failed(const sot_err *err)
{
	(void)fprintf(stderr, "sotalia-netd: %s\n", err->text);
	return 1;
}

int main(int argc, char **argv)
{
	static netd_config config;
	static host_network_report report;
	sot_err err = {0};
	bool is_over = false;
	if (argc == 2 && strcmp(argv[1], "--guard-table") == 0)
		return guard_table_make(&err) == SOT_OK ? 0 : failed(&err);
	/* The agent's own keys: a file that the agent takes is one that this takes. */
	sot_code code = sot_config_load(
	    "hostagent", keys, sizeof(keys) / sizeof(keys[0]), argc, argv, &config, &is_over, &err);
	if (code != SOT_OK)
		return failed(&err) + 1;
	if (is_over)
		return 0;
	if (set_up(&config, &report, &err) != SOT_OK)
		return failed(&err);
	print(&report);
	return report.deeds[HOST_NETWORK_FAILED] > 0 ? 1 : 0;
}
