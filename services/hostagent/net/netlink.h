/* netlink - one request to the kernel and its answer, over libnl-3.
 *
 * Blocking, over one socket in the network namespace that was current at netlink_open; a request
 * that is not answered within 2 s fails. A refusal carries the kernel's own words where it has any
 * (extended acknowledgement). Shared by the hook, netd and the agent. Source: netlink(7).
 */
#ifndef HOSTAGENT_NETLINK_H
#define HOSTAGENT_NETLINK_H

#include "sot_err.h"
#include "sot_mem.h"

#include <netlink/msg.h>

typedef struct netlink netlink;

/* `protocol`: NETLINK_ROUTE or NETLINK_NETFILTER. */
sot_code netlink_open(int protocol, netlink **ret, sot_err *err) SOT_CHECK;
netlink *netlink_free(netlink *n); /* NULL-safe; returns NULL */
SOT_DEFINE_AUTO(netlink)

/* One call for each message that the kernel answers with. */
typedef void (*netlink_answer_fn)(struct nlmsghdr *message, void *self);

/* Sends `message` (taken, freed in any case) and waits for its acknowledgement, or for the end of
 * the dump when its flags ask for one. `on_answer` may be NULL.
 * SOT_NOT_FOUND: no such link, address or table; SOT_CONFLICT: it exists already; SOT_DENIED: not
 * permitted; SOT_LIMIT: the kernel lacks the feature; SOT_UNAVAILABLE: anything else. */
sot_code netlink_ask(netlink *n, struct nl_msg **message, netlink_answer_fn on_answer, void *self,
    sot_err *err) SOT_CHECK;

/* Sends `count` messages (taken, freed in any case) as one nfnetlink batch: all are carried out,
 * or none. Codes as above; `err` tells of the first message that was refused. */
sot_code netlink_batch(
    netlink *n, struct nl_msg **messages, size_t count, uint16_t subsystem, sot_err *err) SOT_CHECK;

/* A new message; aborts on OOM, as all small allocations do. */
struct nl_msg *netlink_message(uint16_t type, int flags, const void *head, size_t head_size);
/* Attributes. A message has room for a page: names and numbers always fit, so these cannot fail. */
void netlink_put(struct nl_msg *m, int type, const void *p, size_t size);
void netlink_put_u8(struct nl_msg *m, int type, uint8_t v);
void netlink_put_u32(struct nl_msg *m, int type, uint32_t v);
void netlink_put_text(struct nl_msg *m, int type, const char *text);
struct nlattr *netlink_nest(struct nl_msg *m, int type);

#endif
