/* ssh_logins - the journals of log-ins of this host's instances (init/login_journal.h): read every
 * ssh_look_ms, told to the gateway until it has them, and the sessions that are on, so that those
 * of revoked certificates and keys, and those that are too old, can be ended from outside.
 *
 * How far a journal was told is in instances/<id>/logins.told; what is told twice is known there.
 * The instance's root can write anything into its journal: it is opened without following links,
 * read in bounded pieces, and a line names only processes of the instance itself.
 */
#ifndef HOSTAGENT_SSH_LOGINS_H
#define HOSTAGENT_SSH_LOGINS_H

#include "agent.h"
#include "ssh_document.h"

ssh_logins *ssh_logins_new(agent *a);
ssh_logins *ssh_logins_free(ssh_logins *l); /* after the http client is gone */
/* Sessions that are on in an instance, as its journal says. */
size_t ssh_logins_on(const ssh_logins *l, sot_uuid instance_id);
/* Ends the sessions that the document revokes. */
void ssh_logins_enforce(ssh_logins *l, const ssh_document *d);

#endif
