/* oci_config - adds to an OCI bundle's config.json what a Sotalia instance needs at every start:
 * the record's mounts and the network hook. Doing it twice changes nothing more.
 */
#ifndef HOSTAGENT_OCI_CONFIG_H
#define HOSTAGENT_OCI_CONFIG_H

#include "net_record.h"

#define OCI_CONFIG_MAX (4u * 1024u * 1024u)

/* Pure: the changed text of `config` into `out`. SOT_INVALID when it is no OCI configuration. */
sot_code oci_config_amend(sot_str config, const net_record *record, const char *hook_path,
    const char *state, sot_buf *out, sot_err *err) SOT_CHECK;

/* Rewrites <bundle>/config.json in place (temp file and rename; not synced: a bundle lives on a
 * tmpfs and is made anew at every start). */
sot_code oci_config_rewrite(const char *bundle, const net_record *record, const char *hook_path,
    const char *state, sot_err *err) SOT_CHECK;

#endif
