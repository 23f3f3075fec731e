#include "guard_table.h"

#include <nftables/libnftables.h>
#include <string.h>

#include "sot_mem.h"

/* What leaves a guarded link and is not its own is dropped and counted by reason. The first rules
 * are what every frame pays: nothing but the group for those of other links, one look-up for IPv4.
 * `ether type` reads the tag of a tagged frame, so no rule takes one for what it carries.
 * @th,64,128 is the target of a neighbour message, @th,192,8 and @th,208,48 are kind and MAC of its
 * first option: nft 1.0.6 has no names for them. With at most 32 bytes there is no second option.
 * What most frames are is known after one look-up: @ll,48,64 is the sender's MAC with the type,
 * @nh,96,32 the IPv4 source, and the type in the key says that it is one. (from_v4 looks again, by
 * names: links that were wired before there was `frame4` are never mute.) @th,0,16 and @th,16,16
 * are ports; by their names nft would ask for the protocol once more. The kernel's ND wants no
 * fragments (RFC 6980), so none can hide an advertisement. 20641 is GUARD_LINK_GROUP. */
static const char table[] =
    "table bridge sotalia {\n"
    " comment \"made by sotalia, do not change\"\n"
    " set mac { type ifname . ether_addr; size 65536; }\n"
    " set option { typeof iifname . @th,208,48; size 65536; }\n"
    " set frame4 { typeof iifname . @ll,48,64 . @nh,96,32; size 65536; }\n"
    " set ipv4 { type ifname . ether_addr . ipv4_addr; size 65536; }\n"
    " set ipv6 { type ifname . ether_addr . ipv6_addr; size 131072; }\n"
    " set target { typeof iifname . ether saddr . @th,64,128; size 131072; }\n"
    " counter forged_mac { }\n"
    " counter forged_address { }\n"
    " counter forged_arp { }\n"
    " counter forged_nd { }\n"
    " counter dhcp_server { }\n"
    " counter router_advertisement { }\n"
    " counter tagged { }\n"
    " counter link_local { }\n"
    " counter other { }\n"
    " chain own_v4 { }\n"
    " chain own_v6 { }\n"
    " chain tagged { }\n"
    " chain from_v4 { }\n"
    " chain from_arp { }\n"
    " chain from_nd { }\n"
    " chain from_v6 { }\n"
    " chain from_rest { }\n"
    " chain from { type filter hook prerouting priority -300; policy accept; }\n"
    "}\n"
    "flush chain bridge sotalia from\n"
    "flush chain bridge sotalia own_v4\n"
    "flush chain bridge sotalia own_v6\n"
    "flush chain bridge sotalia tagged\n"
    "flush chain bridge sotalia from_v4\n"
    "flush chain bridge sotalia from_arp\n"
    "flush chain bridge sotalia from_v6\n"
    "flush chain bridge sotalia from_nd\n"
    "flush chain bridge sotalia from_rest\n"
    "table bridge sotalia {\n"
    " chain from_rest {\n"
    "  iifname . ether saddr != @mac counter name forged_mac drop\n"
    "  ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 counter name link_local drop\n"
    "  counter name other drop\n"
    " }\n"
    " chain own_v4 {\n"
    "  meta l4proto != udp accept\n"
    "  @th,0,16 67 counter name dhcp_server drop\n"
    "  @th,16,16 68 counter name dhcp_server drop\n"
    "  accept\n"
    " }\n"
    " chain own_v6 {\n"
    "  udp sport 547 counter name dhcp_server drop\n"
    "  udp dport 546 counter name dhcp_server drop\n"
    "  accept\n"
    " }\n"
    " chain from_v4 {\n"
    "  iifname . ether saddr . ip saddr @ipv4 goto own_v4\n"
    "  iifname . ether saddr != @mac counter name forged_mac drop\n"
    "  counter name forged_address drop\n"
    " }\n"
    " chain tagged { counter name tagged drop; }\n"
    " chain from_arp {\n"
    "  iifname . ether saddr != @mac counter name forged_mac drop\n"
    "  arp htype 1 arp ptype ip arp hlen 6 arp plen 4 iifname . arp saddr ether . arp saddr ip "
    "@ipv4 "
    "accept\n"
    "  arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp saddr ip 0.0.0.0 "
    "iifname . arp saddr ether @mac accept\n"
    "  counter name forged_arp drop\n"
    " }\n"
    " chain from_nd {\n"
    "  iifname . ether saddr != @mac counter name forged_mac drop\n"
    "  icmpv6 type { nd-router-advert, nd-redirect } counter name router_advertisement drop\n"
    "  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 length > 32 "
    "counter name forged_nd drop\n"
    "  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } @th,192,8 { 1, 2 } "
    "iifname . @th,208,48 != @option counter name forged_nd drop\n"
    "  icmpv6 type nd-neighbor-advert iifname . ether saddr . @th,64,128 != @target "
    "counter name forged_nd drop\n"
    "  ip6 saddr :: icmpv6 type nd-neighbor-solicit iifname . ether saddr . @th,64,128 @target "
    "accept\n"
    "  ip6 saddr :: icmpv6 type { nd-router-solicit, mld-listener-report, mld-listener-done, "
    "mld2-listener-report } accept\n"
    "  iifname . ether saddr . ip6 saddr @ipv6 accept\n"
    "  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } counter name forged_nd drop\n"
    "  counter name forged_address drop\n"
    " }\n"
    " chain from_v6 {\n"
    "  meta l4proto ipv6-icmp goto from_nd\n"
    "  iifname . ether saddr . ip6 saddr @ipv6 goto own_v6\n"
    "  iifname . ether saddr != @mac counter name forged_mac drop\n"
    "  counter name forged_address drop\n"
    " }\n"
    " chain from {\n"
    "  iifgroup != 20641 accept\n"
    "  iifname . @ll,48,64 . @nh,96,32 @frame4 goto own_v4\n"
    "  ether type vmap { ip : goto from_v4, ip6 : goto from_v6, arp : goto from_arp, "
    "8021q : goto tagged, 8021ad : goto tagged }\n"
    "  goto from_rest\n"
    " }\n"
    "}\n";

/* Added first, so that it can be deleted whether it was there or not. */
static const char anew[] = "add table bridge sotalia\ndelete table bridge sotalia\n";

static sot_code run(const char *commands, unsigned flags, sot_buf *out, sot_err *err)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return sot_fail(err, SOT_UNAVAILABLE, "libnftables cannot begin");
	sot_code code = SOT_OK;
	nft_ctx_output_set_flags(nft, flags);
	if (nft_ctx_buffer_output(nft) != 0 || nft_ctx_buffer_error(nft) != 0) {
		code = sot_fail(err, SOT_UNAVAILABLE, "libnftables cannot buffer");
	} else if (nft_run_cmd_from_buffer(nft, commands) != 0) {
		const char *why = nft_ctx_get_error_buffer(nft);
		sot_str rest, line = sot_str_cut(sot_str_c(why), '\n', &rest);
		code = sot_fail(err, strstr(why, "No such file") ? SOT_NOT_FOUND : SOT_UNAVAILABLE,
		    "nftables: %.*s", SOT_ARG(line));
	} else if (out) {
		sot_buf_add_c(out, nft_ctx_get_output_buffer(nft));
	}
	nft_ctx_free(nft);
	return code;
}

sot_code guard_table_replace(sot_err *err)
{
	SOT_AUTO_BUF both;
	sot_buf_init(&both, sizeof(anew) + sizeof(table));
	sot_buf_add_c(&both, anew);
	sot_buf_add_c(&both, table);
	sot_code code = run(both.p, 0, NULL, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "guard table");
}

sot_code guard_table_make(sot_err *err)
{
	return run(table, 0, NULL, err) == SOT_OK ? SOT_OK : guard_table_replace(err);
}

sot_code guard_table_read(sot_buf *out, sot_err *err)
{
	sot_code code = run(
	    "list table bridge sotalia\n", NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE, out, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "guard table");
}
