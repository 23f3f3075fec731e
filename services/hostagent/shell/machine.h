/* machine - the facts that preflight judges: read from the kernel, from the file systems and from
 * what the Docker Engine says of itself.
 */
#ifndef HOSTAGENT_MACHINE_H
#define HOSTAGENT_MACHINE_H

#include "agent.h"

/* Facts without the Engine. Blocking, files of the kernel only; LXCFS is not touched: whether it
 * answers is `view_up`, or not said when that is NULL. */
void machine_facts_read(const agent_config *config, const bool *view_up, sot_buf *out);
/* Facts from the body of GET /info; an empty body: it does not answer. Pure. */
void machine_facts_docker(sot_str info, sot_buf *out);

/* --preflight [-o json]: prints the findings for this machine. 0: nothing above a note; 1: an error
 * or a warning; 2: wrong usage. */
int machine_preflight_main(int argc, char **argv);

#endif
