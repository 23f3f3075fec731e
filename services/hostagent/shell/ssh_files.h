/* ssh_files - an instance's folder instances/<id>/ssh, which it sees read-only at /etc/ssh/sotalia,
 * and its folder `logins`, which it sees at /var/log/sotalia. Blocking, small files; every file is
 * replaced whole, and only when it differs.
 *
 *   sshd_config, principals/<account>                    from the spec
 *   ssh_host_ed25519_key, .pub                           made once, kept for the instance's life
 *   ssh_host_ed25519_key-cert.pub                        from the gateway, renewed
 *   user_ca.pub, keys/<account>, krl                     from the gateway's document
 */
#ifndef HOSTAGENT_SSH_FILES_H
#define HOSTAGENT_SSH_FILES_H

#include "ssh_document.h"

/* Makes what is not there and corrects what follows from the spec. With it a start is possible, the
 * document's part included (as it lies in state_dir, else nobody's): without krl sshd refuses all.
 */
sot_code ssh_files_make(
    const char *state_dir, const sot_instance_spec *spec, sot_err *err) SOT_CHECK;
/* The document's part, of an instance whose folder was made; any other is left alone. */
sot_code ssh_files_apply(
    const char *state_dir, sot_uuid id, sot_str app, const ssh_document *d, sot_err *err) SOT_CHECK;

/* state_dir/ssh.json; a text that is no document is none: SOT_NOT_FOUND. */
sot_code ssh_files_load_document(const char *state_dir, ssh_document **ret, sot_err *err) SOT_CHECK;
sot_code ssh_files_save_document(const char *state_dir, sot_str text, sot_err *err) SOT_CHECK;

/* Whether the host certificate must be asked for: it is absent, of another key, for other names, or
 * past the half of its life. In `out` then the public key's line. */
bool ssh_files_wants_certificate(
    const char *state_dir, const sot_instance_spec *spec, int64_t now_unix, sot_buf *out);
sot_code ssh_files_save_certificate(
    const char *state_dir, const sot_instance_spec *spec, sot_str line, sot_err *err) SOT_CHECK;

#endif
