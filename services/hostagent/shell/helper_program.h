/* helper_program - where the programs lie that the agent starts for work it does not do itself.
 */
#ifndef HOSTAGENT_HELPER_PROGRAM_H
#define HOSTAGENT_HELPER_PROGRAM_H

#include <limits.h>

/* The program of that name: beside this one, as in a build tree, else in libexec. */
void helper_program_find(const char *name, char path[static PATH_MAX]);

#endif
