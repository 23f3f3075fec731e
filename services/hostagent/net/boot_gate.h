/* boot_gate - what an instance has to pass at its first start after the machine booted: while it
 * was down its instances may have been made anew elsewhere, with their addresses. Whoever answers
 * for an address refuses the start; the agent asks the control plane what is to become of it.
 */
#ifndef HOSTAGENT_BOOT_GATE_H
#define HOSTAGENT_BOOT_GATE_H

#include "net_record.h"

/* Before the instance is wired. Asks the VLAN when the last start was in another boot (some 300 ms
 * of silence then), else nothing. SOT_CONFLICT when somebody has one of the addresses. */
sot_code boot_gate_pass(
    const char *state, const char *container_id, const net_record *record, sot_err *err) SOT_CHECK;
/* After it was wired: the next start in this boot is asked nothing. Where that cannot be noted (a
 * full disk) it is asked again, which does no harm. */
void boot_gate_note(const char *state, const char *container_id);

#endif
