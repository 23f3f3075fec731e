/* Inside of reconcile: shared by its decisions and its book-keeping. */
#ifndef HOSTAGENT_RECONCILE_INTERNAL_H
#define HOSTAGENT_RECONCILE_INTERNAL_H

#include "crashes.h"

/* What is known of the addresses of an instance before they are bound here. */
typedef enum claim_state {
	CLAIM_OPEN,      /* not asked, or not answered yet */
	CLAIM_FREE,      /* silent, or held here already */
	CLAIM_TAKEN,     /* somebody else has it: another address is needed */
	CLAIM_ELSEWHERE, /* the instance itself answers: it runs on another host still */
	CLAIM_FAILED,    /* nobody could be asked */
} claim_state;

struct instance {
	desired_instance *want; /* one reference */
	/* Texts that follow from want. */
	char fingerprint[PLAN_SHA256_TEXT];
	char package_sha256[PLAN_SHA256_TEXT]; /* of the next one to bring here; "": all are there */
	char *record_wanted;                   /* NULL until its VLAN was ready once */
	char *resolv_wanted;
	/* Facts. */
	bool observed; /* facts are as new as our own last step */
	bool has_container;
	container_facts container;
	char *record, *used_record, *resolv; /* NULL when absent */
	bool is_older; /* what runs was started with another record than is wanted */
	bool image, blob, folder;
	size_t packages; /* as file_facts */
	uint64_t files_stamp;
	health health;
	char health_error[SOT_ERR_TEXT_MAX];
	const cpus *online; /* the host's processors */
	cpus processors;    /* given to it, though its container may not be made yet */
	/* Its VLAN and its addresses. */
	const vlan *network;
	claim_state claim;
	bool is_asking;
	sot_mono claim_again; /* when to ask again */
	sot_ip conflict_address;
	sot_mac conflict_mac;
	char claim_error[SOT_ERR_TEXT_MAX];
	hold_kind hold;
	char hold_why[SOT_ERR_TEXT_MAX];
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

/* Whether a step of that kind has to wait for the VLAN or the claim. */
bool instance_is_held(const instance *i, action_kind kind);
/* Why it waits, when that is a failure; "" otherwise. */
const char *instance_held_error(const instance *i);
/* Another spec: what was learnt of an address holds as long as the address stays. */
void claim_change(instance *i, const sot_instance_spec *before);

/* The next step that the facts ask for, whatever its delay. */
action_kind instance_decide(const instance *i);

#endif
