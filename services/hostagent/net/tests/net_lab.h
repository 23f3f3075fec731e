/* net_lab - a laboratory for tests of the host's network: namespaces of its own, instances in them,
 * and frames between them. Nothing leaves the namespaces; all is gone when the process ends.
 */
#ifndef HOSTAGENT_NET_LAB_H
#define HOSTAGENT_NET_LAB_H

#include "host_network.h"
#include "instance_net.h"
#include "net_link.h"

#include <sys/types.h>

#define NET_LAB_FRAME_MAX 1600u

/* A namespace of its own for this process, with loopback up; what it was in is left for good. Ends
 * the program with 77 (skipped) when it may not. Pins the process to one CPU: frames of one sender
 * then arrive in their order. */
void net_lab_enter(void);
/* Leaves the present namespace for a fresh one, as a reboot does. */
void net_lab_reboot(void);

/* A namespace with a process in it that waits to be ended, as a container before its PID 1 runs. */
typedef struct net_lab_machine {
	pid_t pid;
	int netns_fd;
} net_lab_machine;
net_lab_machine net_lab_machine_start(void);
void net_lab_machine_end(net_lab_machine *m);

/* A record of version 2 in VLAN `vlan`: 10.<vlan>.0.<number>, fd00:<vlan>::<number> when with_v6.
 */
net_record net_lab_record(uint16_t vlan, uint8_t number, bool with_v6);
/* Writes it to <state>/net/<id>.json. */
void net_lab_record_save(const char *state, const char *id, const net_record *record);
/* Wires, and fails the test when it cannot be. */
void net_lab_wire(const net_record *record, const net_lab_machine *m);

/* Links in the present namespace, by a socket made for the call. */
void net_lab_add_pair(const char *name, const char *peer); /* both up */
bool net_lab_find(const char *name, net_link *ret);
/* A machine without a guard on a bridge, with `eth0` up: for listening. */
net_lab_machine net_lab_neighbour(const char *bridge, const char *port);

/* A fresh namespace as after a boot, with the trunk's VLAN 100 (eth1.100; the wire's other end is
 * `wire`) on its bridge br100; `is_guarded`: with the guard before it. To be freed with
 * host_network_free(). Fails the test when it cannot be made. */
host_network *net_lab_network(const char *folder, bool is_guarded);

/* A packet socket on the machine's eth0 for all protocols; what it sent itself is not read. */
int net_lab_tap(const net_lab_machine *m);
void net_lab_send(int tap, const void *frame, size_t size);
/* The next frame within `ms`; 0 when there is none. */
size_t net_lab_receive(int tap, int ms, uint8_t frame[static NET_LAB_FRAME_MAX]);
/* Runs `fn` in the machine's namespace. */
void net_lab_inside(const net_lab_machine *m, void (*fn)(void *self), void *self);

/* A folder below /tmp with net/ in it; removed by net_lab_folder_remove. */
char *net_lab_folder(void);
void net_lab_folder_remove(char *folder);
void net_lab_write(const char *folder, const char *name, const char *text);

#endif
