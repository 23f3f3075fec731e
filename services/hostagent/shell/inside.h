/* inside - sockets in the network namespace of an instance, for the agent's one thread.
 *
 * There are two ways in. The namespace itself (inside_open) is short-lived: as long as it is open
 * the network lives on, links, addresses and all, whoever has died. The process (inside_way) holds
 * nothing: it may be kept for all the life of the instance, and leads nowhere once it has ended.
 */
#ifndef HOSTAGENT_INSIDE_H
#define HOSTAGENT_INSIDE_H

/* The network namespace of a container's PID 1, or -1. A pid that the kernel has given to a process
 * of the host meanwhile is told by the host's own namespace. The caller closes it. */
int inside_open(int pid);
/* PID 1 itself, as a descriptor that leads into its network wherever a namespace's does; or -1, as
 * above, or because this kernel (before 5.8) knows no such way. The caller closes it. */
int inside_way(int pid);
/* That of the agent itself, open as long as it lives; any thread may ask. */
int inside_own(void);
/* A non-blocking socket in that namespace, or -1. The thread is back in the host's afterwards. `fd`
 * is of inside_open or inside_way. */
int inside_socket(int fd, int family, int type);
/* As inside_socket, of AF_NETLINK: NETLINK_SOCK_DIAG ... */
int inside_netlink(int fd, int protocol);

#endif
