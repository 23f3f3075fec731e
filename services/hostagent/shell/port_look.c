#include "port_look.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inside.h"

typedef struct question {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
} question;

/* As a SYN from nowhere would look for its socket, so one on the wildcard, and one of both
 * families, is found. Source: sock_diag(7); inet_diag_find_one_icsk of net/ipv4/inet_diag.c */
static bool ask(int fd, uint32_t address, uint16_t port)
{
	question q = {.head = {.nlmsg_len = sizeof(q),
	                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	                  .nlmsg_flags = NLM_F_REQUEST},
	    .body = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u}};
	q.body.id.idiag_sport = htons(port);
	q.body.id.idiag_src[0] = htonl(address);
	q.body.id.idiag_cookie[0] = q.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return send(fd, &q, sizeof(q), MSG_DONTWAIT) == (ssize_t)sizeof(q);
}

/* The queue is full when it holds one more than its length: then a SYN is dropped. */
static bool listens(int fd)
{
	union {
		struct nlmsghdr head;
		char bytes[1024];
	} answer;
	struct inet_diag_msg found;
	ssize_t n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(found)) || answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	memcpy(&found, NLMSG_DATA(&answer.head), sizeof(found));
	return found.idiag_state == TCP_LISTEN && found.idiag_rqueue < found.idiag_wqueue;
}

bool port_look(int fd, uint32_t address, uint16_t port)
{
	int asking = inside_netlink(fd, NETLINK_SOCK_DIAG);
	bool ok = asking >= 0 && ask(asking, address, port) && listens(asking);
	if (asking >= 0)
		close(asking);
	return ok;
}
