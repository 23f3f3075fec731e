/* Stands in for the kernel's 8021q where there is none: `untag` on the uplink's ingress hands a
 * tagged frame, without its tag, to the VLAN's link; `tag` on the ingress of that link's other end
 * gives the frame its tag and sends it out. Compiled per host (tests/e2e/trunk.sh) with
 * -DUPLINK=<ifindex> and two expressions: LINK_OF(vid), 0 for a VLAN that the host has no link for,
 * and VID_OF(link). */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

SEC("tc_untag") int untag(struct __sk_buff *frame)
{
	if (!frame->vlan_present)
		return TC_ACT_OK; /* the native VLAN */
	__u32 vid = frame->vlan_tci & 0xfff;
	__u32 link = LINK_OF(vid);
	if (!link || bpf_skb_vlan_pop(frame))
		return TC_ACT_SHOT;
	return bpf_redirect(link, 0);
}

SEC("tc_tag") int tag(struct __sk_buff *frame)
{
	__u16 vid = VID_OF(frame->ifindex);
	if (bpf_skb_vlan_push(frame, __builtin_bswap16(0x8100), vid))
		return TC_ACT_SHOT;
	return bpf_redirect(UPLINK, 0);
}

char licence[] SEC("license") = "GPL";
