#include "netlink.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/handlers.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { DEADLINE_S = 2, ANSWER_BYTES = 65536, BATCH_BYTES = 65536, QUEUE_BYTES = 208 * 1024 };

struct netlink {
	struct nl_sock *socket;
};

sot_code netlink_open(int protocol, netlink **ret, sot_err *err)
{
	const struct timeval deadline = {.tv_sec = DEADLINE_S};
	const int on = 1;
	netlink *n = sot_alloc(sizeof(*n));
	n->socket = nl_socket_alloc();
	int why = n->socket ? nl_connect(n->socket, protocol) : -NLE_NOMEM;
	if (why < 0) {
		netlink_free(n);
		return sot_fail(err, SOT_UNAVAILABLE, "a netlink socket: %s", nl_geterror(why));
	}
	int fd = nl_socket_get_fd(n->socket);
	/* The kernel's own words on a refusal; older kernels do without. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	(void)nl_socket_set_msg_buf_size(n->socket, ANSWER_BYTES);
	/* A batch may be refused message by message, and every refusal lies in the queue at once. */
	if (protocol == NETLINK_NETFILTER)
		(void)nl_socket_set_buffer_size(n->socket, QUEUE_BYTES, BATCH_BYTES);
	/* Each message says itself what it wants, and the handlers compare the numbers. */
	nl_socket_disable_auto_ack(n->socket);
	*ret = n;
	return SOT_OK;
}

netlink *netlink_free(netlink *n)
{
	if (n) {
		nl_socket_free(n->socket);
		free(n);
	}
	return NULL;
}

/* What the handlers of one request have seen so far. */
typedef struct conversation {
	uint32_t first_seq, last_seq;
	bool is_over;
	sot_code code;
	sot_err *err;
	netlink_answer_fn on_answer;
	void *self;
} conversation;

/* The text of NLMSGERR_ATTR_MSG, when the kernel gave one. */
static const char *kernel_words(struct nlmsgerr *e)
{
	struct nlmsghdr *h = (void *)((char *)e - NLMSG_HDRLEN);
	int skip = (int)sizeof(*e);
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += (int)(e->msg.nlmsg_len - sizeof(e->msg));
	struct nlattr *words = nlmsg_find_attr(h, skip, NLMSGERR_ATTR_MSG);
	return words && nla_len(words) > 0 && ((char *)nla_data(words))[nla_len(words) - 1] == '\0'
	           ? nla_data(words)
	           : "";
}

static sot_code code_of(int why)
{
	switch (why) {
	case ENODEV:
	case ESRCH:
	case ENOENT:
	case EADDRNOTAVAIL:
		return SOT_NOT_FOUND;
	case EEXIST:
		return SOT_CONFLICT;
	case EPERM:
	case EACCES:
		return SOT_DENIED;
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
		return SOT_LIMIT;
	default:
		return SOT_UNAVAILABLE;
	}
}

static int on_refusal(struct sockaddr_nl *from, struct nlmsgerr *e, void *self)
{
	conversation *c = self;
	(void)from;
	if (c->code == SOT_OK) {
		const char *words = kernel_words(e);
		int why = -e->error;
		c->code =
		    sot_fail_errno(c->err, code_of(why), why, "netlink%s%s", *words ? ": " : "", words);
	}
	/* A refusal of the batch's head or its last message is the last word about it. */
	if (e->msg.nlmsg_seq == c->first_seq || e->msg.nlmsg_seq == c->last_seq)
		c->is_over = true;
	return c->is_over ? NL_STOP : NL_SKIP;
}

static int on_end(struct nl_msg *m, void *self)
{
	conversation *c = self;
	if (nlmsg_hdr(m)->nlmsg_seq != c->last_seq)
		return NL_SKIP;
	c->is_over = true;
	return NL_STOP;
}

static int on_message(struct nl_msg *m, void *self)
{
	conversation *c = self;
	if (nlmsg_hdr(m)->nlmsg_seq == c->last_seq && c->on_answer)
		c->on_answer(nlmsg_hdr(m), c->self);
	return NL_OK;
}

static sot_code listen_for(netlink *n, conversation *c)
{
	struct nl_cb *handlers = nl_cb_alloc(NL_CB_CUSTOM);
	if (!handlers)
		abort();
	nl_cb_err(handlers, NL_CB_CUSTOM, on_refusal, c);
	nl_cb_set(handlers, NL_CB_ACK, NL_CB_CUSTOM, on_end, c);
	nl_cb_set(handlers, NL_CB_FINISH, NL_CB_CUSTOM, on_end, c);
	nl_cb_set(handlers, NL_CB_VALID, NL_CB_CUSTOM, on_message, c);
	int why = 0;
	while (!c->is_over && why >= 0)
		why = nl_recvmsgs(n->socket, handlers);
	nl_cb_put(handlers);
	if (!c->is_over)
		return sot_fail(c->err, SOT_UNAVAILABLE, "netlink answer: %s", nl_geterror(why));
	return c->code;
}

sot_code netlink_ask(
    netlink *n, struct nl_msg **message, netlink_answer_fn on_answer, void *self, sot_err *err)
{
	struct nl_msg *m = SOT_TAKE(*message);
	struct nlmsghdr *h = nlmsg_hdr(m);
	/* A dump ends by itself. */
	h->nlmsg_flags |= (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP ? 0 : NLM_F_ACK;
	nl_complete_msg(n->socket, m);
	conversation c = {.first_seq = h->nlmsg_seq,
	    .last_seq = h->nlmsg_seq,
	    .err = err,
	    .on_answer = on_answer,
	    .self = self};
	int sent = nl_send(n->socket, m);
	nlmsg_free(m);
	if (sent < 0)
		return sot_fail(err, SOT_UNAVAILABLE, "netlink send: %s", nl_geterror(sent));
	return listen_for(n, &c);
}

static uint32_t add_to_batch(netlink *n, sot_buf *batch, struct nl_msg *m)
{
	nl_complete_msg(n->socket, m);
	uint32_t seq = nlmsg_hdr(m)->nlmsg_seq;
	sot_buf_add(batch, nlmsg_hdr(m), NLMSG_ALIGN(nlmsg_hdr(m)->nlmsg_len));
	nlmsg_free(m);
	return seq;
}

sot_code netlink_batch(
    netlink *n, struct nl_msg **messages, size_t count, uint16_t subsystem, sot_err *err)
{
	const struct nfgenmsg frame = {.version = NFNETLINK_V0, .res_id = htons(subsystem)};
	conversation c = {.err = err};
	SOT_AUTO_BUF batch;
	sot_buf_init(&batch, BATCH_BYTES);
	assert(count > 0);
	c.first_seq =
	    add_to_batch(n, &batch, netlink_message(NFNL_MSG_BATCH_BEGIN, 0, &frame, sizeof(frame)));
	/* The acknowledgement of the last message comes after every refusal of an earlier one. */
	nlmsg_hdr(messages[count - 1])->nlmsg_flags |= NLM_F_ACK;
	for (size_t i = 0; i < count; i++)
		c.last_seq = add_to_batch(n, &batch, SOT_TAKE(messages[i]));
	(void)add_to_batch(n, &batch, netlink_message(NFNL_MSG_BATCH_END, 0, &frame, sizeof(frame)));
	if (sot_buf_failed(&batch))
		return sot_fail(err, SOT_LIMIT, "too many changes for one netlink batch");
	int sent = nl_sendto(n->socket, batch.p, batch.n);
	if (sent < 0)
		return sot_fail(err, SOT_UNAVAILABLE, "netlink send: %s", nl_geterror(sent));
	return listen_for(n, &c);
}

struct nl_msg *netlink_message(uint16_t type, int flags, const void *head, size_t head_size)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
	if (!m || nlmsg_append(m, (void *)(uintptr_t)head, head_size, NLMSG_ALIGNTO) < 0)
		abort();
	return m;
}

void netlink_put(struct nl_msg *m, int type, const void *p, size_t size)
{
	if (nla_put(m, type, (int)size, p) < 0)
		abort();
}

void netlink_put_u8(struct nl_msg *m, int type, uint8_t v)
{
	netlink_put(m, type, &v, sizeof(v));
}

void netlink_put_u32(struct nl_msg *m, int type, uint32_t v)
{
	netlink_put(m, type, &v, sizeof(v));
}

void netlink_put_text(struct nl_msg *m, int type, const char *text)
{
	netlink_put(m, type, text, strlen(text) + 1);
}

struct nlattr *netlink_nest(struct nl_msg *m, int type)
{
	struct nlattr *nest = nla_nest_start(m, type | NLA_F_NESTED);
	if (!nest)
		abort();
	return nest;
}
