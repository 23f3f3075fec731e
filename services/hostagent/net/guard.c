#include "guard.h"

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_ELEMENTS = 100, LIST_MAX = 1000000 };

static const char *const set_names[GUARD_SETS] = {
    [GUARD_MAC] = "mac",
    [GUARD_OPTION] = "option",
    [GUARD_FRAME4] = "frame4",
    [GUARD_V4] = "ipv4",
    [GUARD_V6] = "ipv6",
    [GUARD_TARGET] = "target",
};

/* Every part of a key begins on a multiple of 4 bytes: so the kernel's registers are laid out. */
static void add_part(guard_element *e, const void *part, size_t size)
{
	memcpy(e->key + e->size, part, size);
	e->size = (uint8_t)(e->size + (size + 3) / 4 * 4);
}

static guard_element element_of_link(guard_set set, const net_record *record)
{
	guard_element e = {.set = (uint8_t)set};
	char link[IFNAMSIZ] = "";
	memcpy(link, record->host_link, strlen(record->host_link));
	add_part(&e, link, sizeof(link));
	return e;
}

static guard_element element_of(guard_set set, const net_record *record)
{
	guard_element e = element_of_link(set, record);
	add_part(&e, record->mac, sizeof(record->mac));
	return e;
}

/* The bytes of a frame from its source MAC to its type. */
static guard_element frame4_of(const net_record *record)
{
	guard_element e = element_of_link(GUARD_FRAME4, record);
	uint8_t head[8] = {[6] = 0x08, [7] = 0x00};
	memcpy(head, record->mac, sizeof(record->mac));
	add_part(&e, head, sizeof(head));
	add_part(&e, record->address.b, 4);
	return e;
}

/* fe80:: with the interface identifier that the kernel makes of a MAC (RFC 4291, appendix A). */
static sot_ip link_local(const uint8_t mac[6])
{
	return (sot_ip){.family = 6,
	    .b = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4],
	        mac[5]}};
}

static size_t add_ipv6(const net_record *record, guard_element *ret, size_t count)
{
	const sot_ip own[] = {record->address6, link_local(record->mac)};
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		for (guard_set set = GUARD_V6; set <= GUARD_TARGET; set++) {
			ret[count] = element_of(set, record);
			add_part(&ret[count++], own[i].b, 16);
		}
	return count;
}

size_t guard_elements(const net_record *record, guard_element ret[static GUARD_ELEMENTS_MAX])
{
	size_t count = 0;
	if (!record->guard)
		return 0;
	ret[count++] = element_of(GUARD_MAC, record);
	if (!sot_ip_is_none(record->address6))
		ret[count++] = element_of(GUARD_OPTION, record);
	ret[count++] = frame4_of(record);
	ret[count] = element_of(GUARD_V4, record);
	add_part(&ret[count++], record->address.b, 4);
	return sot_ip_is_none(record->address6) ? count : add_ipv6(record, ret, count);
}

int guard_element_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(guard_element));
}

const char *guard_element_link(const guard_element *element)
{
	return (const char *)element->key; /* a name is shorter than its 16 bytes */
}

static struct nl_msg *element_message(uint16_t type, int flags, const guard_element *element)
{
	const struct nfgenmsg head = {.nfgen_family = NFPROTO_BRIDGE, .version = NFNETLINK_V0};
	struct nl_msg *m =
	    netlink_message((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &head, sizeof(head));
	netlink_put_text(m, NFTA_SET_ELEM_LIST_TABLE, GUARD_TABLE);
	netlink_put_text(m, NFTA_SET_ELEM_LIST_SET, set_names[element->set]);
	return m;
}

static struct nl_msg *change_message(uint16_t type, int flags, const guard_element *element)
{
	struct nl_msg *m = element_message(type, flags, element);
	struct nlattr *list = netlink_nest(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *item = netlink_nest(m, NFTA_LIST_ELEM);
	struct nlattr *key = netlink_nest(m, NFTA_SET_ELEM_KEY);
	netlink_put(m, NFTA_DATA_VALUE, element->key, element->size);
	(void)nla_nest_end(m, key);
	(void)nla_nest_end(m, item);
	(void)nla_nest_end(m, list);
	return m;
}

static sot_code change(
    netlink *n, uint16_t type, int flags, const guard_element *elements, size_t count, sot_err *err)
{
	struct nl_msg *messages[BATCH_ELEMENTS];
	sot_code code = SOT_OK;
	for (size_t at = 0; code == SOT_OK && at < count;) {
		size_t some = 0;
		while (some < BATCH_ELEMENTS && at < count)
			messages[some++] = change_message(type, flags, &elements[at++]);
		code = netlink_batch(n, messages, some, NFNL_SUBSYS_NFTABLES, err);
	}
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "guard table %s", GUARD_TABLE);
}

sot_code guard_add(netlink *n, const guard_element *elements, size_t count, sot_err *err)
{
	return change(n, NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements, count, err);
}

sot_code guard_remove(netlink *n, const guard_element *elements, size_t count, sot_err *err)
{
	return change(n, NFT_MSG_DELSETELEM, 0, elements, count, err);
}

typedef struct element_list {
	guard_element *elements;
	size_t count, room;
	guard_set set;
} element_list;

static void take_key(element_list *list, struct nlattr *item)
{
	struct nlattr *at[NFTA_SET_ELEM_MAX + 1], *data[NFTA_DATA_MAX + 1];
	if (nla_parse_nested(at, NFTA_SET_ELEM_MAX, item, NULL) < 0 || !at[NFTA_SET_ELEM_KEY] ||
	    nla_parse_nested(data, NFTA_DATA_MAX, at[NFTA_SET_ELEM_KEY], NULL) < 0 ||
	    !data[NFTA_DATA_VALUE] || nla_len(data[NFTA_DATA_VALUE]) > (int)GUARD_KEY_MAX ||
	    list->count >= LIST_MAX)
		return;
	guard_element e = {.set = (uint8_t)list->set, .size = (uint8_t)nla_len(data[NFTA_DATA_VALUE])};
	memcpy(e.key, nla_data(data[NFTA_DATA_VALUE]), e.size);
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		list->elements = sot_grow_array(list->elements, list->room, room, sizeof(*list->elements));
		list->room = room;
	}
	list->elements[list->count++] = e;
}

static void take(struct nlmsghdr *h, void *self)
{
	struct nlattr *at[NFTA_SET_ELEM_LIST_MAX + 1], *item;
	int left = 0;
	if (nlmsg_parse(h, sizeof(struct nfgenmsg), at, NFTA_SET_ELEM_LIST_MAX, NULL) < 0 ||
	    !at[NFTA_SET_ELEM_LIST_ELEMENTS])
		return;
	nla_for_each_nested(item, at[NFTA_SET_ELEM_LIST_ELEMENTS], left) take_key(self, item);
}

sot_code guard_list(netlink *n, guard_element **ret_elements, size_t *ret_count, sot_err *err)
{
	element_list list = {0};
	sot_code code = SOT_OK;
	for (guard_set set = 0; code == SOT_OK && set < GUARD_SETS; set++) {
		list.set = set;
		struct nl_msg *m =
		    element_message(NFT_MSG_GETSETELEM, NLM_F_DUMP, &(guard_element){.set = (uint8_t)set});
		code = netlink_ask(n, &m, take, &list, err);
	}
	if (code != SOT_OK) {
		free(list.elements);
		return sot_wrap(err, "guard table %s", GUARD_TABLE);
	}
	if (list.count > 1)
		qsort(list.elements, list.count, sizeof(*list.elements), guard_element_cmp);
	*ret_elements = list.elements;
	*ret_count = list.count;
	return SOT_OK;
}

static void take_generation(struct nlmsghdr *h, void *self)
{
	struct nlattr *at[NFTA_GEN_MAX + 1];
	if (nlmsg_parse(h, sizeof(struct nfgenmsg), at, NFTA_GEN_MAX, NULL) >= 0 && at[NFTA_GEN_ID])
		*(uint32_t *)self = ntohl(nla_get_u32(at[NFTA_GEN_ID]));
}

sot_code guard_generation(netlink *n, uint32_t *ret, sot_err *err)
{
	const struct nfgenmsg head = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};
	struct nl_msg *m =
	    netlink_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0, &head, sizeof(head));
	*ret = 0;
	sot_code code = netlink_ask(n, &m, take_generation, ret, err);
	if (code == SOT_OK && *ret == 0)
		code = sot_fail(err, SOT_UNAVAILABLE, "the kernel does not tell it");
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "generation of the rule set");
}

static const char *const reason_names[GUARD_REASONS] = {
    [GUARD_FORGED_MAC] = "forged_mac",
    [GUARD_FORGED_ADDRESS] = "forged_address",
    [GUARD_FORGED_ARP] = "forged_arp",
    [GUARD_FORGED_ND] = "forged_nd",
    [GUARD_DHCP_SERVER] = "dhcp_server",
    [GUARD_ROUTER] = "router_advertisement",
    [GUARD_TAGGED] = "tagged",
    [GUARD_LINK_LOCAL] = "link_local",
    [GUARD_OTHER] = "other",
};

const char *guard_reason_name(guard_reason reason)
{
	return reason_names[reason];
}

typedef struct counters {
	uint64_t frames[GUARD_REASONS];
	size_t found;
} counters;

static void take_counter(struct nlmsghdr *h, void *self)
{
	struct nlattr *at[NFTA_OBJ_MAX + 1], *data[NFTA_COUNTER_MAX + 1];
	counters *c = self;
	if (nlmsg_parse(h, sizeof(struct nfgenmsg), at, NFTA_OBJ_MAX, NULL) < 0 || !at[NFTA_OBJ_NAME] ||
	    !at[NFTA_OBJ_DATA] ||
	    nla_parse_nested(data, NFTA_COUNTER_MAX, at[NFTA_OBJ_DATA], NULL) < 0 ||
	    !data[NFTA_COUNTER_PACKETS])
		return;
	for (guard_reason r = 0; r < GUARD_REASONS; r++)
		if (strcmp(nla_get_string(at[NFTA_OBJ_NAME]), reason_names[r]) == 0) {
			c->frames[r] = be64toh(nla_get_u64(data[NFTA_COUNTER_PACKETS]));
			c->found++;
		}
}

sot_code guard_read_counters(netlink *n, uint64_t ret_frames[static GUARD_REASONS], sot_err *err)
{
	const struct nfgenmsg head = {.nfgen_family = NFPROTO_BRIDGE, .version = NFNETLINK_V0};
	counters c = {.found = 0};
	struct nl_msg *m = netlink_message(
	    NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ, NLM_F_DUMP, &head, sizeof(head));
	netlink_put_text(m, NFTA_OBJ_TABLE, GUARD_TABLE);
	sot_code code = netlink_ask(n, &m, take_counter, &c, err);
	if (code == SOT_OK && c.found < GUARD_REASONS)
		code = sot_fail(err, SOT_NOT_FOUND, "there is no such table, or not ours");
	if (code != SOT_OK)
		return sot_wrap(err, "counters of the guard table %s", GUARD_TABLE);
	memcpy(ret_frames, c.frames, sizeof(c.frames));
	return SOT_OK;
}
