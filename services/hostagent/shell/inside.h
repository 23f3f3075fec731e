/* inside - sockets in the network namespace of an instance, for the agent's one thread. */
#ifndef HOSTAGENT_INSIDE_H
#define HOSTAGENT_INSIDE_H

/* The network namespace of a container's PID 1, or -1. A pid that the kernel has given to a process
 * of the host meanwhile is told by the host's own namespace. The caller closes it. */
int inside_open(int pid);
/* That of the agent itself, open as long as it lives; any thread may ask. */
int inside_own(void);
/* A non-blocking socket in that namespace, or -1. The thread is back in the host's afterwards. */
int inside_socket(int netns_fd, int family, int type);
/* As inside_socket, of AF_NETLINK: NETLINK_SOCK_DIAG ... */
int inside_netlink(int netns_fd, int protocol);

#endif
