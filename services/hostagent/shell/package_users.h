/* package_users - who needs the packages that are unpacked on this host: instances, by what their
 * specs name, and records (net/) of processes that run or will. What neither names is not needed.
 */
#ifndef HOSTAGENT_PACKAGE_USERS_H
#define HOSTAGENT_PACKAGE_USERS_H

#include "plan.h"
#include "sot_mem.h"

typedef struct package_users {
	sot_buf named;   /* a line a use: "DIGEST NAME" */
	sot_buf records; /* all of them, as they are */
	bool knows_records;
} package_users;

void package_users_init(package_users *u);
void package_users_clear(package_users *u);
/* As after package_users_init. */
void package_users_reset(package_users *u);
/* What this instance's spec names. */
void package_users_add(package_users *u, const sot_instance_spec *spec);
/* Blocking. Until all records of this state folder were read, knows_records is false, and nothing
 * may be taken for not needed. */
void package_users_read_records(package_users *u, const char *state_dir);
bool package_users_need(const package_users *u, const char *digest);
/* The names of instances whose specs name it, as a JSON list of at most `max`; how many there are.
 */
size_t package_users_names(const package_users *u, const char *digest, size_t max, sot_buf *out);

#endif
