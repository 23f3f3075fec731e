/* ssh_link - log-ins to this host's instances, as far as the gateway has a say: the document is
 * asked for every ssh_poll_ms (the gateway answers "nothing new" in one small query), written into
 * every instance's folder, and enforced on sessions that are on; host certificates are asked for
 * and renewed. While the gateway is away everything stays as it is.
 */
#ifndef HOSTAGENT_SSH_LINK_H
#define HOSTAGENT_SSH_LINK_H

#include "agent.h"
#include "ssh_document.h"

ssh_link *ssh_link_new(agent *a);
ssh_link *ssh_link_free(ssh_link *s); /* after the http client is gone */
const ssh_document *ssh_link_document(const ssh_link *s);

#endif
