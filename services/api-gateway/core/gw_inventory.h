/* gw_inventory - an inventory of Ansible as it is read: hosts, groups, and what each says of a
 * machine. Its two forms fill it (INI in gw_inventory_ini.c, YAML in gw_inventory_yaml.c). Pure. */
#ifndef GW_INVENTORY_H
#define GW_INVENTORY_H

#include "gw_machines_internal.h"
#include "sot_mem.h"

#define INVENTORY_NONE SIZE_MAX

/* What is said of a column; line 0: nothing. */
typedef struct setting {
	sot_str text;
	unsigned line;
} setting;

typedef struct inventory_group {
	sot_str name;
	setting set[COLUMNS];
	unsigned depth; /* of the longest way to it */
} inventory_group;

typedef struct inventory_host {
	sot_str name;
	setting set[COLUMNS];
	unsigned line;
} inventory_host;

/* A host that is in a group, or a group that is a child of one. */
typedef struct inventory_edge {
	size_t of, in;
	unsigned line;
} inventory_edge;

typedef struct inventory_edges {
	inventory_edge *items;
	size_t count, cap;
} inventory_edges;

typedef struct inventory {
	reader *r; /* who is told what is wrong; its `line` is the one that is read */
	sot_arena *arena;
	inventory_group *groups;
	inventory_host *hosts;
	size_t group_count, group_cap, host_count, host_cap, named_count;
	inventory_edges members, children;
	sot_map *group_by_name, *host_by_name; /* their index + 1 */
	bool is_full;                          /* a limit was passed, and told */
} inventory;

/* The group of this name, made when it is new; INVENTORY_NONE: it cannot be one, which was told. */
size_t inventory_group_named(inventory *v, sot_str name);
void inventory_add_child(inventory *v, size_t child, size_t parent);
/* What a variable says of a machine goes to set[its column]; others are left alone. */
void inventory_say(inventory *v, setting set[static COLUMNS], sot_str name, sot_str value);
/* A host line: each host of the pattern, with its ranges, is in `group` (INVENTORY_NONE: in none)
 * and has these settings. */
void inventory_add_hosts(
    inventory *v, sot_str pattern, size_t group, const setting set[static COLUMNS]);

void inventory_read_ini(inventory *v, sot_str text);
void inventory_read_yaml(inventory *v, sot_str text);

#endif
