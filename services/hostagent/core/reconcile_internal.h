/* Inside of reconcile: shared by its decisions and its book-keeping. */
#ifndef HOSTAGENT_RECONCILE_INTERNAL_H
#define HOSTAGENT_RECONCILE_INTERNAL_H

#include "reconcile.h"

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
	uint32_t restarts;
	/* The last start that was counted. */
	char last_start_id[PLAN_SHA256_TEXT];
	int64_t last_start_unix_ms;
	uint32_t last_engine_restarts;
};

/* The next step that the facts ask for, whatever its delay. */
action_kind instance_decide(const instance *i);

#endif
