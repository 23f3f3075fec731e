#include "used.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net_address.h"
#include "net_link.h"
#include "net_record.h"

typedef struct look_state {
	used_look *l;
	net_link *links;
	size_t link_count;
	int host_netns_fd;
	struct stat host_netns;
} look_state;

static void add(used_look *l, const sot_used_address *address)
{
	l->used = sot_grow_array(l->used, l->used_count, l->used_count + 1, sizeof(*l->used));
	l->used[l->used_count++] = *address;
}

static sot_used_address used_of(const binding *b, sot_ip address)
{
	bool is_v4 = sot_ip_eq(address, b->address), is_v6 = sot_ip_eq(address, b->address_v6);
	return (sot_used_address){.address = address,
	    .vlan_id = b->vlan_id,
	    .vrf = b->vrf,
	    .mac = b->mac,
	    .instance_id = b->instance_id,
	    .generation = is_v4   ? b->address_generation
	                  : is_v6 ? b->address_v6_generation
	                          : 0,
	    .is_running = b->is_running};
}

static void add_held(used_look *l, const binding *b)
{
	sot_used_address v4 = used_of(b, b->address), v6 = used_of(b, b->address_v6);
	add(l, &v4);
	if (!sot_ip_is_none(b->address_v6))
		add(l, &v6);
}

/* ---- links of the host ---- */

static const net_link *link_named(const look_state *s, const char *name)
{
	for (size_t i = 0; i < s->link_count; i++)
		if (strcmp(s->links[i].name, name) == 0)
			return &s->links[i];
	return NULL;
}

static bool is_port_of(const look_state *s, const char *link, const char *bridge)
{
	const net_link *port = link_named(s, link), *master = link_named(s, bridge);
	return port && master && port->master == master->index && (port->flags & IFF_UP);
}

/* ---- inside the instances ---- */

/* Of the loopback, and what IPv6 gives itself on a link, nothing is told. */
static bool is_local(sot_ip ip)
{
	sot_ip loopback_v6 = {.family = 6};
	loopback_v6.b[15] = 1;
	if (ip.family == 4)
		return ip.b[0] == 127;
	return sot_ip_eq(ip, loopback_v6) || (ip.b[0] == 0xfe && (ip.b[1] & 0xc0) == 0x80);
}

static sot_code list_here(net_address **ret, size_t *ret_count, sot_err *err)
{
	SOT_AUTO(netlink) n = NULL;
	sot_code code = netlink_open(NETLINK_ROUTE, &n, err);
	return code == SOT_OK ? net_address_list(n, ret, ret_count, err) : code;
}

/* The pid may have been given to another process since it was read: one in the host's own network
 * is none of ours. */
static int open_netns(const look_state *s, int pid)
{
	char path[64];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_ino == s->host_netns.st_ino)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool add_inside(look_state *s, const binding *b)
{
	net_address *list = NULL;
	size_t count = 0;
	int fd = open_netns(s, b->pid);
	bool ok = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
	if (fd >= 0)
		close(fd);
	if (!ok)
		return false;
	sot_code code = list_here(&list, &count, NULL);
	if (setns(s->host_netns_fd, CLONE_NEWNET) != 0)
		abort(); /* in a tenant's network nothing of this process may go on */
	for (size_t i = 0; i < count; i++) {
		sot_used_address address = used_of(b, list[i].address);
		if (!is_local(list[i].address))
			add(s->l, &address);
	}
	free(list);
	return code == SOT_OK;
}

/* ---- records that no instance owns ---- */

static bool is_asked(const used_look *l, const char *host_link)
{
	for (size_t i = 0; i < l->binding_count; i++)
		if (strcmp(l->bindings[i].host_link, host_link) == 0)
			return true;
	return false;
}

/* Its link is there as long as its network namespace is: somebody runs in it. */
static void add_orphan(const net_record *record, void *self)
{
	look_state *s = self;
	const char *id = json_string_value(json_object_get(record->json, "instance"));
	binding b = {.is_running = true,
	    .vlan_id = record->vlan,
	    .vrf = (uint16_t)json_integer_value(json_object_get(record->json, "vrf")),
	    .address = record->address,
	    .address_v6 = record->address6};
	memcpy(b.mac.b, record->mac, sizeof(b.mac.b));
	if (is_asked(s->l, record->host_link) || !is_port_of(s, record->host_link, record->bridge))
		return;
	if (sot_uuid_parse(sot_str_c(id), &b.instance_id, NULL) == SOT_OK)
		add_held(s->l, &b);
}

static sot_code begin(look_state *s, sot_err *err)
{
	SOT_AUTO(netlink) n = NULL;
	s->host_netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->host_netns_fd < 0 || fstat(s->host_netns_fd, &s->host_netns) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "the host's own network namespace");
	sot_code code = netlink_open(NETLINK_ROUTE, &n, err);
	return code == SOT_OK ? net_link_list(n, &s->links, &s->link_count, err) : code;
}

void used_look_now(used_look *l)
{
	look_state s = {.l = l, .host_netns_fd = -1};
	l->code = begin(&s, &l->err);
	for (size_t i = 0; l->code == SOT_OK && i < l->binding_count; i++) {
		const binding *b = &l->bindings[i];
		if (!b->is_running)
			add_held(l, b);
		else if (!is_port_of(&s, b->host_link, b->bridge) || !add_inside(&s, b))
			l->unwired++;
	}
	if (l->code == SOT_OK)
		(void)net_record_each(l->state_dir, add_orphan, &s);
	free(s.links);
	if (s.host_netns_fd >= 0)
		close(s.host_netns_fd);
}

void used_look_clear(used_look *l)
{
	free(l->bindings);
	free(l->used);
	l->bindings = NULL;
	l->used = NULL;
	l->binding_count = l->used_count = 0;
}
