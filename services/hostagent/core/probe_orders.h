/* probe_orders - the probes that ipam asked for, from the order to the report that tells their
 * results and was acknowledged. Bounded by what one report can tell. Pure.
 */
#ifndef HOSTAGENT_PROBE_ORDERS_H
#define HOSTAGENT_PROBE_ORDERS_H

#include "probes.h"

#define PROBE_ORDERS_MAX 200u

typedef struct probe_orders probe_orders;
probe_orders *probe_orders_new(void);
probe_orders *probe_orders_free(probe_orders *o);
SOT_DEFINE_AUTO(probe_orders)

/* An order that is known already is not taken twice; what finds no room will be ordered again. */
void probe_orders_add(probe_orders *o, const sot_probe_order *order);
/* Asks for what is not settled and takes what has ended; reach: whether the VLAN of an order is
 * reached from here. True when a result is new. */
bool probe_orders_advance(probe_orders *o, probes *p,
    bool (*reach)(const void *self, uint16_t vlan_id), const void *self, sot_mono now);
/* The settled ones, for a report of that number; how many they are. */
size_t probe_orders_results(
    probe_orders *o, uint64_t report, sot_probe_result list[static PROBE_ORDERS_MAX]);
/* The report was acknowledged: what it told is forgotten. */
void probe_orders_told(probe_orders *o, uint64_t report);

#endif
