#include "sweeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "docker_junk.h"
#include "notes.h"
#include "package_users.h"
#include "process.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sweep.h"

enum { ENTRIES_PER_RUN = 20000, POLICIES_MAX = CLEANUP_POLICIES_MAX };

typedef struct place {
	cleanup_place kind;
	char path[PLAN_PATH_MAX]; /* with a pid: below the root of that process */
	int pid;
	uint64_t process_start;
} place;

struct sweeper {
	agent *a;
	reactor_watch *timer;
	bool is_busy;
	sot_metric *bytes, *entries;
	/* The run, the worker's alone. */
	place *places;
	size_t place_count, place_cap;
	package_users users;
	sweep_total totals[POLICIES_MAX];
};

/* ---- in the worker ---- */

static bool is_needed(void *self, const char *name)
{
	const sweeper *s = self;
	return package_users_need(&s->users, name);
}

static bool is_host_root(int fd)
{
	struct stat root, of_host;
	return fstat(fd, &root) != 0 || stat("/", &of_host) != 0 ||
	       (root.st_dev == of_host.st_dev && root.st_ino == of_host.st_ino);
}

/* The root of an instance is held while it is swept. A pid that was given to another process by now
 * is told by its start, and the host's own root is never swept. */
static void sweep_inside(const place *p, sweep_options *o, sweep_total *totals)
{
	char path[PLAN_PATH_MAX + 64];
	uint64_t start = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/root", p->pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is_its = fd >= 0 && !is_host_root(fd) && process_read_start(p->pid, &start) &&
	              p->process_start != 0 && start == p->process_start;
	if (is_its) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, p->path);
		sweep_place(path, p->kind, o, NULL, NULL, totals);
	}
	if (fd >= 0)
		close(fd);
}

static void work(void *arg)
{
	sweeper *s = arg;
	sweep_options options = {
	    .settings = {s->a->config->cleanup_exclude, s->a->config->cleanup_ages},
	    .is_dry = strcmp(s->a->config->cleanup, "dry") == 0,
	    .free_permille = sweep_free_permille(s->a->config->state_dir),
	    .now_unix_s = time(NULL),
	    .entries_max = ENTRIES_PER_RUN};
	package_users_read_records(&s->users, s->a->config->state_dir);
	for (size_t i = 0; i < s->place_count; i++) {
		const place *p = &s->places[i];
		bool is_packages = p->kind == CLEANUP_PACKAGES;
		if (p->pid > 0)
			sweep_inside(p, &options, s->totals);
		else if (!is_packages || s->users.knows_records)
			sweep_place(p->path, p->kind, &options, is_packages ? is_needed : NULL, s, s->totals);
	}
}

/* ---- in the loop ---- */

static void tell(sweeper *s)
{
	for (size_t i = 0; i < cleanup_policy_count; i++) {
		const sweep_total *t = &s->totals[i];
		if (t->entries == 0)
			continue;
		sot_log(SOT_INFO, "cleanup.freed", "policy=%s entries=%llu bytes=%llu mode=%s",
		    cleanup_policies[i].name, (unsigned long long)t->entries, (unsigned long long)t->bytes,
		    s->a->config->cleanup);
		sot_metric_add(s->entries, t->entries);
		sot_metric_add(s->bytes, t->bytes);
		notes_add_freed(s->a->notes, i, t->entries, t->bytes);
	}
}

static void done(void *arg)
{
	sweeper *s = arg;
	s->is_busy = false;
	s->a->steps_in_flight--;
	tell(s);
	if (s->a->draining)
		agent_pump(s->a);
}

static place *add_place(sweeper *s, cleanup_place kind, const char *path)
{
	if (s->place_count == s->place_cap) {
		size_t cap = s->place_cap ? s->place_cap * 2 : 16;
		s->places = sot_grow_array(s->places, s->place_cap, cap, sizeof(*s->places));
		s->place_cap = cap;
	}
	place *p = &s->places[s->place_count++];
	p->kind = kind;
	p->pid = 0;
	(void)snprintf(p->path, sizeof(p->path), "%s", path);
	return p;
}

static void add_instance(sweeper *s, const instance *i)
{
	char id[SOT_UUID_TEXT], path[PLAN_PATH_MAX];
	const sot_instance_spec *spec = &instance_want(i)->spec;
	const container_facts *c = instance_container(i);
	const char *state = s->a->config->state_dir;
	sot_uuid_format(spec->instance_id, id);
	(void)snprintf(path, sizeof(path), "%s/instances/%s/applogs", state, id);
	(void)add_place(s, CLEANUP_APPLOGS, path);
	(void)snprintf(path, sizeof(path), "%s/instances/%s/appdatas", state, id);
	(void)add_place(s, CLEANUP_APPDATAS, path);
	package_users_add(&s->users, spec);
	if (!c || !c->running)
		return;
	/* Through its own mounts: the layer below must not be changed while it is mounted. */
	static const char *const temps[] = {"tmp", "var/tmp"};
	for (size_t k = 0; k < sizeof(temps) / sizeof(temps[0]); k++) {
		place *p = add_place(s, CLEANUP_TEMP, temps[k]);
		p->pid = c->pid;
		p->process_start = c->process_start;
	}
}

static void add_shared(sweeper *s)
{
	static const struct {
		const char *name;
		cleanup_place kind;
	} shared[] = {{"instances/.retired", CLEANUP_RETIRED}, {"packages", CLEANUP_PACKAGES},
	    {"packages/.blobs", CLEANUP_LEFTOVERS}};
	char path[PLAN_PATH_MAX];
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->a->config->state_dir, shared[i].name);
		(void)add_place(s, shared[i].kind, path);
	}
}

static void begin(void *self, uint64_t missed)
{
	sweeper *s = self;
	sot_map_iter it = {0};
	(void)missed;
	if (s->is_busy || s->a->draining)
		return;
	docker_junk_run(s->a->junk);
	s->place_count = 0;
	package_users_reset(&s->users);
	memset(s->totals, 0, sizeof(s->totals));
	for (const instance *i; (i = reconcile_iterate(s->a->reconcile, &it)) != NULL;)
		add_instance(s, i);
	add_shared(s);
	s->is_busy = true;
	s->a->steps_in_flight++; /* the agent ends after it */
	reactor_queue_work(s->a->loop, work, done, s);
}

sweeper *sweeper_new(agent *a)
{
	sweeper *s = sot_alloc(sizeof(*s));
	s->a = a;
	package_users_init(&s->users);
	s->entries = sot_counter(
	    "sot_hostagent_cleanup_entries_total", NULL, "Files and folders that were junk");
	s->bytes = sot_counter("sot_hostagent_cleanup_bytes_total", NULL, "What they had taken");
	if (strcmp(a->config->cleanup, "off") != 0)
		s->timer = reactor_together_ms(a->loop, a->config->cleanup_interval_ms, begin, s);
	return s;
}

sweeper *sweeper_free(sweeper *s)
{
	if (s) {
		reactor_remove(s->timer);
		package_users_clear(&s->users);
		free(s->places);
		free(s);
	}
	return NULL;
}
