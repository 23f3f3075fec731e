/* The agent's side of look_packages: a worker walks, the loop answers. */
#include <stdlib.h>
#include <time.h>

#include "agent.h"
#include "look_packages.h"
#include "sweep.h"

enum { LOOKS_MAX = 4 };

typedef struct ask {
	agent *a;
	look_packages_fn done;
	void *self;
	package_users users;
	sot_buf text;
} ask;

static void work(void *arg)
{
	ask *q = arg;
	const agent_config *config = q->a->config;
	look_packages_options options = {.state_dir = config->state_dir,
	    .cleanup = config->cleanup,
	    .settings = {config->cleanup_exclude, config->cleanup_ages},
	    .free_permille = sweep_free_permille(config->state_dir),
	    .now_unix_s = time(NULL)};
	package_users_read_records(&q->users, config->state_dir);
	look_packages(&options, &q->users, &q->text);
}

static void on_done(void *arg)
{
	ask *q = arg;
	q->a->package_looks--;
	q->a->steps_in_flight--;
	q->done(q->self, sot_buf_str(&q->text));
	agent_pump(q->a); /* what waited for nothing else to be done, and a drain */
	package_users_clear(&q->users);
	sot_buf_clear(&q->text);
	free(q);
}

bool look_packages_ask(agent *a, look_packages_fn done, void *self)
{
	sot_map_iter it = {0};
	if (a->package_looks >= LOOKS_MAX || a->draining)
		return false;
	ask *q = sot_alloc(sizeof(*q));
	*q = (ask){.a = a, .done = done, .self = self};
	package_users_init(&q->users);
	sot_buf_init(&q->text, LOOK_PACKAGES_MAX + 1024);
	for (const instance *i; (i = reconcile_iterate(a->reconcile, &it)) != NULL;)
		package_users_add(&q->users, &instance_want(i)->spec);
	a->package_looks++;
	a->steps_in_flight++; /* the agent ends after it */
	reactor_queue_work(a->loop, work, on_done, q);
	return true;
}
