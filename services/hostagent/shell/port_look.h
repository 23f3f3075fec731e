/* port_look - whether somebody listens on a TCP port, asked of the kernel: a twentieth of what a
 * connection costs, and the app is not woken up.
 */
#ifndef HOSTAGENT_PORT_LOOK_H
#define HOSTAGENT_PORT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

/* True: in that network (fd is of inside_open or inside_way) a socket listens on the port for this
 * IPv4 address (host byte order), and its queue of connections has room. False: nobody does, or it
 * could not be told (a kernel without tcp_diag): then only a connection tells. Does not block. */
bool port_look(int fd, uint32_t address, uint16_t port);

#endif
