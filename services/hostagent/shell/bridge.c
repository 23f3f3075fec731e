#include "bridge.h"

#include "host_network.h"

sot_code bridge_set_up(const bridge_settings *settings, uint32_t *ret_mtu, sot_err *err)
{
	SOT_AUTO(host_network) network = NULL;
	host_network_place place;
	host_network_report report = {.count = 0};
	const host_network_settings host = {.state_dir = "",
	    .host_id = settings->host_id,
	    .uplinks = {.vlan_uplink = "",
	        .vlan_links = "",
	        .vlan_bridges = "",
	        .bridge_name = settings->name,
	        .bridge_uplink = settings->uplink,
	        .bridge_address = settings->address}};
	sot_code code = host_network_new(&host, &network, err);
	if (code == SOT_OK)
		code = host_network_make(network, 0, &place, &report, err);
	if (code == SOT_OK)
		*ret_mtu = place.mtu;
	return code;
}
