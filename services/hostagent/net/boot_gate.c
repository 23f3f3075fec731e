#include "boot_gate.h"

#include "address_probe.h"
#include "sot_parse.h"
#include "used_record.h"

static sot_code ask(const net_record *record, sot_err *err)
{
	const sot_ip addresses[2] = {record->address, record->address6};
	address_probe_answer answer = {.is_used = false};
	char ip[SOT_IP_TEXT], mac[18];
	sot_code code = address_probe(record->bridge, addresses, &answer, err);
	if (code != SOT_OK)
		return sot_wrap(err, "first start after a boot: is the address unused?");
	if (answer.is_used)
		return sot_fail(err, SOT_CONFLICT,
		    "%s is in use on VLAN %u by %s: since this machine booted the instance may run "
		    "elsewhere. It starts when nobody answers for the address any more, or when its agent "
		    "is told otherwise",
		    sot_ip_format(answer.address, ip), record->vlan, sot_format_mac(answer.mac, mac));
	return SOT_OK;
}

sot_code boot_gate_pass(
    const char *state, const char *container_id, const net_record *record, sot_err *err)
{
	char boot[USED_RECORD_BOOT_MAX + 1];
	bool is_first = false;
	sot_code code = used_record_this_boot(boot, err);
	if (code == SOT_OK)
		code = used_record_is_of_another_boot(state, container_id, boot, &is_first, err);
	return code == SOT_OK && is_first ? ask(record, err) : code;
}

void boot_gate_note(const char *state, const char *container_id)
{
	char boot[USED_RECORD_BOOT_MAX + 1];
	sot_code code = used_record_this_boot(boot, NULL);
	if (code == SOT_OK)
		code = used_record_mark(state, container_id, boot, NULL);
	(void)code;
}
