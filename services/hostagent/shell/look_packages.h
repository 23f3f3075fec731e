/* look_packages - the packages that are unpacked on this host, as a JSON object: how large each is,
 * which instances name it, and when clean-up takes it. Changes nothing. */
#ifndef HOSTAGENT_LOOK_PACKAGES_H
#define HOSTAGENT_LOOK_PACKAGES_H

#include "cleanup.h"
#include "package_users.h"

enum { LOOK_PACKAGES_MAX = 250000, LOOK_PACKAGES_NAMES_MAX = 10 };

typedef struct look_packages_options {
	const char *state_dir, *cleanup; /* the agent's mode of it: on, dry, off */
	cleanup_settings settings;
	unsigned free_permille; /* of the file system */
	int64_t now_unix_s;
} look_packages_options;

/* Blocking. At most LOOK_PACKAGES_MAX bytes; what is left out is counted. */
void look_packages(const look_packages_options *o, const package_users *users, sot_buf *ret);

/* ---- of the agent, in a worker ---- */
struct agent;
typedef void (*look_packages_fn)(void *self, sot_str text);
/* `done` is called once, never inside this call; text: the object. False: too many look already. */
bool look_packages_ask(struct agent *a, look_packages_fn done, void *self) SOT_CHECK;

#endif
