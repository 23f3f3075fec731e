/* docker_call - what a call to the Docker Engine asks for, as the name that monitoring counts it
 * by. Pure.
 */
#ifndef HOSTAGENT_DOCKER_CALL_H
#define HOSTAGENT_DOCKER_CALL_H

#include "sot_str.h"

/* create, start, stop, restart, pause, unpause, update, kill, rm, inspect, list, logs, wait, stats,
 * pull, image, rmi, ping, info, version; "other" for the rest. A literal. */
sot_str docker_call_name(const char *method, const char *path);

#endif
