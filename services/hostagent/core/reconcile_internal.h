/* Inside of reconcile: shared by its decisions and its book-keeping. */
#ifndef HOSTAGENT_RECONCILE_INTERNAL_H
#define HOSTAGENT_RECONCILE_INTERNAL_H

#include "crashes.h"

struct instance {
	desired_instance *want; /* one reference */
	/* Texts that follow from want. */
	char fingerprint[PLAN_SHA256_TEXT];
	char package_sha256[PLAN_SHA256_TEXT];
	char *record_wanted;
	/* Facts. */
	bool observed; /* facts are as new as our own last step */
	bool has_container;
	container_facts container;
	char *record, *used_record; /* NULL when absent */
	bool image, blob, package, folder;
	health health;
	char health_error[SOT_ERR_TEXT_MAX];
	/* Steps. */
	action_kind in_flight;
	unsigned attempts; /* starts and failures since it last ran well */
	sot_mono not_before, stable_at;
	char error[SOT_ERR_TEXT_MAX + 16]; /* with the step's name */
	uint64_t carried_generation;
	crashes crashes;
	/* The Engine says that it runs, but its process is gone. */
	bool is_gone, is_ghost; /* ghost: for so long that the Engine will not notice by itself */
	sot_mono ghost_at;
	uint64_t process_start; /* of the start below, as first seen */
	int64_t process_started_unix_ms;
};

/* The next step that the facts ask for, whatever its delay. */
action_kind instance_decide(const instance *i);

#endif
