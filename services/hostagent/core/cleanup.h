/* cleanup - which files are junk: policies as data, and the decision about one entry. Pure.
 *
 * A policy looks at one kind of place only. What an instance's app calls its data (appdatas) is
 * never looked at but for dumps of dead processes; nothing is removed before its minimum age, and a
 * policy with a minimum of free space sleeps while there is more.
 */
#ifndef HOSTAGENT_CLEANUP_H
#define HOSTAGENT_CLEANUP_H

#include "sot_err.h"
#include "sot_str.h"

typedef enum cleanup_place {
	CLEANUP_APPLOGS,   /* instances/<id>/applogs */
	CLEANUP_APPDATAS,  /* instances/<id>/appdatas */
	CLEANUP_TEMP,      /* /tmp and /var/tmp of an instance that runs */
	CLEANUP_RETIRED,   /* instances/.retired: folders of retired instances */
	CLEANUP_PACKAGES,  /* packages: unpacked versions that no record and no spec names */
	CLEANUP_LEFTOVERS, /* packages/.blobs and packages/.tmp: downloads that nobody finished */
	CLEANUP_IMAGES,    /* images that this agent had pulled; the age is since one was needed */
	CLEANUP_CONTAINERS /* by their state: of no instance of this host, and never of one that ran */
} cleanup_place;

typedef struct cleanup_policy {
	const char *name;
	cleanup_place place;
	const char *patterns;   /* names, blanks between; as of a shell */
	int64_t age_s;          /* at least so old */
	unsigned free_permille; /* only while less than this is free; 1000: always */
	bool whole;             /* a folder with all that is in it; otherwise files only */
} cleanup_policy;

#define CLEANUP_POLICIES_MAX 16
extern const cleanup_policy cleanup_policies[];
extern const size_t cleanup_policy_count;

/* From the configuration; the texts outlive it. */
typedef struct cleanup_settings {
	const char *excluded; /* patterns of what is never junk, commas between */
	const char *ages;     /* other ages of policies, in seconds: "retired_data=86400,dumps=3600" */
} cleanup_settings;

/* Whether `ages` names policies there are, each with 1 second to 10 years; SOT_INVALID says which
 * it does not, and which names there are. */
sot_code cleanup_check_ages(const char *ages, sot_err *err) SOT_CHECK;
/* The age in seconds from which the policy takes an entry: the configuration's, or its own. */
int64_t cleanup_age(const cleanup_policy *p, const cleanup_settings *settings);
/* Whether the entry goes. age_s: since its last change, of content or of name. */
bool cleanup_takes(const cleanup_policy *p, const char *name, bool is_file, int64_t age_s,
    unsigned free_permille, const cleanup_settings *settings);

#endif
