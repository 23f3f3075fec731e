/* The claims of reconcile: whether the addresses of an instance may be bound on this host. */
#include "reconcile_internal.h"

#include <stdio.h>
#include <string.h>

#include "sot_parse.h"

enum { CLAIM_AGAIN_MS = PROBE_FRESH_MS };

static bool same_addresses(const sot_instance_spec *a, const sot_instance_spec *b)
{
	return a->vlan_id == b->vlan_id && a->vrf == b->vrf && sot_ip_eq(a->address, b->address) &&
	       sot_ip_eq(a->address_v6, b->address_v6);
}

/* An address that was found taken stays so until ipam has given it anew: it is noted there as
 * somebody else's, whether that somebody is silent now or not. */
void claim_change(instance *i, const sot_instance_spec *before)
{
	const sot_instance_spec *now = &i->want->spec;
	bool same = before && same_addresses(before, now);
	bool same_holding = same && before->address_generation == now->address_generation &&
	                    before->address_v6_generation == now->address_v6_generation;
	if (!same || (i->claim == CLAIM_TAKEN && !same_holding))
		i->claim = CLAIM_OPEN;
}

static void take(instance *i, sot_ip address, sot_mac mac)
{
	char ip[SOT_IP_TEXT], who[18];
	bool is_own = memcmp(mac.b, i->want->spec.mac.b, sizeof(mac.b)) == 0;
	i->claim = is_own ? CLAIM_ELSEWHERE : CLAIM_TAKEN;
	i->conflict_address = address;
	i->conflict_mac = mac;
	(void)snprintf(i->claim_error, sizeof(i->claim_error),
	    is_own ? "%s answers on VLAN %u with this instance's own MAC %s: it still runs on another "
	             "host; it is started here once that is silent"
	           : "%s is used on VLAN %u by %s: it is not bound, the instance needs another address",
	    sot_ip_format(address, ip), i->want->spec.vlan_id, sot_format_mac(mac.b, who));
}

typedef enum answer { ANSWER_NONE, ANSWER_FREE, ANSWER_BAD } answer;

static answer ask(instance *i, probes *p, sot_ip address, sot_mono now)
{
	char ip[SOT_IP_TEXT];
	if (sot_ip_is_none(address))
		return ANSWER_FREE;
	const probe *x = probes_ask(p, i->want->spec.vlan_id, address, now);
	if (!x || x->state == PROBE_RUNNING)
		return ANSWER_NONE;
	if (x->state == PROBE_SILENT)
		return ANSWER_FREE;
	if (x->state == PROBE_ANSWERED) {
		take(i, address, x->answer);
		return ANSWER_BAD;
	}
	i->claim = CLAIM_FAILED;
	(void)snprintf(i->claim_error, sizeof(i->claim_error),
	    "nobody could be asked whether %s is in use: %s", sot_ip_format(address, ip), x->error);
	return ANSWER_BAD;
}

/* A process that runs without any note was started with one: it has its address. */
static bool holds(const instance *i)
{
	const sot_instance_spec *spec = &i->want->spec;
	bool runs = i->container.running;
	return plan_record_holds(i->record, spec) ||
	       (runs && (i->used_record ? plan_record_holds(i->used_record, spec) : !i->record));
}

static void claim(instance *i, probes *p, sot_mono now)
{
	const sot_instance_spec *spec = &i->want->spec;
	bool settled = i->claim == CLAIM_FREE || i->claim == CLAIM_TAKEN;
	if (settled || !i->observed || spec->desired == SOT_DESIRED_STATE_RETIRED)
		return;
	if (holds(i)) {
		i->claim = CLAIM_FREE;
		return;
	}
	if (!i->network || !i->network->ready)
		return;
	if (i->claim != CLAIM_OPEN && !i->is_asking && !sot_mono_reached(now, i->claim_again))
		return;
	answer v4 = ask(i, p, spec->address, now), v6 = ask(i, p, spec->address_v6, now);
	i->is_asking = v4 != ANSWER_BAD && v6 != ANSWER_BAD && (v4 == ANSWER_NONE || v6 == ANSWER_NONE);
	i->claim_again = sot_mono_add_ms(now, CLAIM_AGAIN_MS);
	if (v4 == ANSWER_FREE && v6 == ANSWER_FREE)
		i->claim = CLAIM_FREE;
}

void reconcile_claim(reconcile *r, probes *p, sot_mono now)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(r, &it)) != NULL;)
		claim(i, p, now);
}

void reconcile_stranger(reconcile *r, uint16_t vlan_id, sot_ip address, sot_mac mac)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(r, &it)) != NULL;) {
		const sot_instance_spec *spec = &i->want->spec;
		bool is_it = spec->vlan_id == vlan_id &&
		             (sot_ip_eq(spec->address, address) || sot_ip_eq(spec->address_v6, address));
		if (is_it && spec->desired != SOT_DESIRED_STATE_RETIRED && i->observed && !holds(i))
			take(i, address, mac);
	}
}

/* ---- what outlives the agent ---- */

/* Which holding of that address the spec asks for; 0 when it is not its address. */
static uint64_t holding_of(const sot_instance_spec *spec, sot_ip address)
{
	if (sot_ip_eq(address, spec->address))
		return spec->address_generation;
	return sot_ip_eq(address, spec->address_v6) ? spec->address_v6_generation : 0;
}

void reconcile_taken(const reconcile *r, sot_buf *out)
{
	char id[SOT_UUID_TEXT], ip[SOT_IP_TEXT], mac[18];
	sot_map_iter it = {0};
	for (const instance *i; (i = reconcile_iterate(r, &it)) != NULL;) {
		if (i->claim != CLAIM_TAKEN)
			continue;
		sot_buf_printf(out, "%s %s %llu %s\n", sot_uuid_format(i->want->spec.instance_id, id),
		    sot_ip_format(i->conflict_address, ip),
		    (unsigned long long)holding_of(&i->want->spec, i->conflict_address),
		    sot_format_mac(i->conflict_mac.b, mac));
	}
}

static void recall(reconcile *r, sot_str line)
{
	sot_uuid id;
	sot_ip address;
	sot_mac mac;
	uint64_t holding = 0;
	sot_str rest = line;
	if (sot_uuid_parse(sot_str_cut(rest, ' ', &rest), &id, NULL) != SOT_OK ||
	    sot_ip_parse(sot_str_cut(rest, ' ', &rest), &address, NULL) != SOT_OK ||
	    sot_parse_u64(sot_str_cut(rest, ' ', &rest), 0, UINT64_MAX, &holding, NULL) != SOT_OK ||
	    sot_parse_mac(rest, mac.b, NULL) != SOT_OK)
		return;
	instance *i = reconcile_find(r, id);
	if (i && !sot_ip_is_none(address) && holding == holding_of(&i->want->spec, address) &&
	    (sot_ip_eq(address, i->want->spec.address) || sot_ip_eq(address, i->want->spec.address_v6)))
		take(i, address, mac);
}

void reconcile_recall_taken(reconcile *r, sot_str lines)
{
	while (lines.n > 0)
		recall(r, sot_str_cut(lines, '\n', &lines));
}

/* ---- what waits for it ---- */

bool instance_is_held(const instance *i, action_kind kind)
{
	if (kind != ACTION_RECORD && kind != ACTION_START && kind != ACTION_RESTART)
		return false;
	return !i->network || !i->network->ready || i->want->spec.vrf > PLAN_VRF_MAX ||
	       i->claim != CLAIM_FREE;
}

const char *instance_held_error(const instance *i)
{
	if (i->want->spec.desired == SOT_DESIRED_STATE_RETIRED)
		return "";
	if (i->want->spec.vrf > PLAN_VRF_MAX)
		return "its VRF has a number above 46655: a link's name has no room for it";
	if (i->network && !i->network->ready)
		return i->network->error;
	return i->claim > CLAIM_FREE ? i->claim_error : "";
}
