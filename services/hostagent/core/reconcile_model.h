/* reconcile_model - for tests: a model of a host. Each step that reconcile names is carried out on
 * it at once, until nothing is left to do.
 */
#ifndef HOSTAGENT_RECONCILE_MODEL_H
#define HOSTAGENT_RECONCILE_MODEL_H

#include "reconcile.h"

enum { MODEL_MAX = 8 };

typedef struct model {
	bool container, running, frozen, restarting, gone, blob, folder;
	size_t packages;
	uint32_t engine_restarts;
	uint64_t process_start;
	int64_t started;
	char fingerprint[PLAN_SHA256_TEXT];
	char *record, *used;
	uint64_t memory;
	uint32_t cpu, pids;
	cpus processors;
} model;

typedef struct world {
	reconcile *r;
	desired *d;
	vlans *vlans;
	probes *probes;
	model models[MODEL_MAX];
	uint64_t generation;
	sot_mono now;
	char log[4096];
} world;

extern const plan_wire model_wire;
sot_uuid model_id(unsigned n);
/* Of instance n: 500 thousandths, 64 MB, no package, no check. */
sot_instance_spec model_spec(unsigned n);
/* The set in force becomes these; all are observed. */
void model_assign(world *w, const sot_instance_spec *specs, size_t count);
void model_observe(world *w, unsigned n);
/* The process of an instance starts. */
void model_start(model *m, sot_mono now);
void model_replace(char **text, char *with); /* takes `with` */
/* Runs until nothing is due; the names of the steps, with a blank between, are in w->log. */
const char *model_settle(world *w);
/* For cmocka: *state is a world. */
int model_setup(void **state);
int model_teardown(void **state);

#endif
