/* gateway_call - one HTTPS request to the gateway with the host's token (fetch.token), JSON in and
 * out.
 */
#ifndef HOSTAGENT_GATEWAY_CALL_H
#define HOSTAGENT_GATEWAY_CALL_H

#include "agent.h"

enum { GATEWAY_CALL_MS = 10000 };

/* `body` is empty for a GET. `done` is called once, never inside this call. */
sot_code gateway_call(agent *a, const char *method, const char *path, sot_str body,
    size_t answer_max, http_done_fn done, void *self, sot_err *err) SOT_CHECK;
/* What went wrong, for a log line; NULL when the answer has one of the two statuses. */
const char *gateway_call_fault(const http_reply *reply, int status, int other_status, sot_err *err);

#endif
