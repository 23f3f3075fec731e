/* middleware - the catalogue of middleware packages, and sets of them.
 *
 * Pure. A set is one text: "jdk=17,tomcat=10.1", by name, each name once; what an app has, and what
 * each of its instances shall have. Owner: the core's only thread.
 */
#ifndef SCHEDULER_MIDDLEWARE_H
#define SCHEDULER_MIDDLEWARE_H

#include "model.h"

typedef struct middleware {
	char name[31], kind[31];
	uint32_t keep_versions, keep_days;
	version_row *versions;
	size_t version_count, version_cap;
} middleware;

void middleware_free(void *m);
middleware *middleware_find(const controller *c, sot_str name);
const version_row *middleware_version_find(const middleware *m, sot_str version);
/* One that was removed, too: its name stays taken. */
version_row *middleware_version_known(const middleware *m, sot_str version);
/* Writes the row of the version as it is now. */
void middleware_write(controller *c, const middleware *m, const version_row *v);
/* Makes the package known when it is not; `write`: with the next batch. Takes the row's origin. */
void middleware_add(controller *c, const middleware_row *row, bool write);

/* The next of a set; false at its end. */
bool middleware_next(sot_str *rest, sot_str *ret_name, sot_str *ret_version);
size_t middleware_count(sot_str set);
/* The set with another version of one package; an empty version takes it out. */
void middleware_put(sot_str set, sot_str name, sot_str version, sot_buf *out);
/* The version of that package in a set (NULL: the empty set); empty when it is not in it. */
sot_str middleware_version_in(const char *set, sot_str name);
/* What an agent is told; the texts and digests are borrowed. Returns how many. */
size_t middleware_specs(
    const controller *c, const char *set, struct sot_middleware_spec ret[MIDDLEWARE_MAX]);

#endif
