/* enrol - takes this machine into a platform: one-shot, blocking, before the agent's first start.
 *
 *   sotalia-hostagent --enrol=URL --token=FILE [--ca=FILE] [--config=FILE] [--new-key]
 *
 * Makes the key pair when there is none (the secret never leaves the machine), shows the one-time
 * token with the public key, the machine-id and nothing else, and writes what comes back: the
 * services' public keys, the token for packages and, last, host.id, for which the unit waits. Run
 * again it changes nothing, or goes on where it was cut. While an operator has to approve the key
 * it asks again every 5 s, for 15 minutes. --new-key exchanges the key: the old one is good until
 * the agent has been restarted with the new one.
 */
#ifndef AGENT_ENROL_H
#define AGENT_ENROL_H

#include <stdbool.h>

/* Whether argv asks for it. */
bool enrol_is_asked(int argc, char **argv);
/* The exit code: 0 enrolled, 1 refused or not reached (said on stderr), 2 wrong usage. */
int enrol_main(int argc, char **argv);

#endif
