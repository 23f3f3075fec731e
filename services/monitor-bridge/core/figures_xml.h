/* figures_xml - the heartbeat documents of hosts, instances and the bridge itself. Pure.
 *
 * Units: memory in MB are 1024 x 1024 bytes; free space in bytes (the operator's page divides);
 * network kbps are 1000 bits a second; disk kbps are 1024 bytes a second; pct are percent.
 */
#ifndef MONITOR_FIGURES_XML_H
#define MONITOR_FIGURES_XML_H

#include "cat_heartbeat.h"
#include "figures.h"

typedef struct bridge_figures {
	uint64_t produced, overflowed, bytes; /* cumulative: the page shows differences */
} bridge_figures;

void figures_xml_host(cat_heartbeat *h, const host_figures *f);
void figures_xml_instance(cat_heartbeat *h, const instance_figures *f);
void figures_xml_bridge(cat_heartbeat *h, const bridge_figures *f);

#endif
