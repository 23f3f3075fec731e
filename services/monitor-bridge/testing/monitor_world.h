/* monitor_world - the core between hooks that remember what left it, for its tests.
 */
#ifndef MONITOR_TESTING_MONITOR_WORLD_H
#define MONITOR_TESTING_MONITOR_WORLD_H

#include "cat_period.h"
#include "cat_read.h"
#include "monitor.h"

#define HOUR_START (472222 * CAT_HOUR_MS)
#define SENT_MAX 400

typedef struct sent_frame {
	cat_read_tree tree;
	int64_t expires_unix_ms;
} sent_frame;

typedef struct world {
	monitor *m;
	sot_arena *memory;
	sent_frame *sent;
	size_t count;
	int64_t reserved_hour, minute;
	uint32_t reserved_bound;
	unsigned reserve_calls;
	definitions *definitions;
	char fields[2000], steps[2000]; /* of the last event made */
	char deploys[200];
} world;

extern const monitor_options default_options;

world *world_new(const monitor_options *options);
void world_free(world *w);
sot_wall at(int64_t minute, int64_t second);
host_figures a_host(void);
instance_figures an_instance(const char *name);
void share_with(world *w, unsigned own, const unsigned *numbers, size_t count, sot_wall now);
void alone(world *w, sot_wall now);
void tick_minute(world *w, int64_t minute);
const cat_read_message *find(
    const world *w, const char *domain, const char *machine, const char *type, const char *name);
/* The first message of that type and status of a machine. */
const cat_read_message *find_status(
    const world *w, const char *machine, const char *type, const char *status);
size_t count_of(const world *w, const char *machine, const char *type);
void assert_has(const cat_read_message *m, const char *id, const char *value);
sot_str fields_of(world *w, const char *text);

#endif
