/* oci_config - adds to an OCI bundle's config.json what a Sotalia instance needs at every start:
 * the record's mounts (and without the binds over files that the instance owns), the view of its
 * resources and the network hook. Doing it twice changes nothing more.
 */
#ifndef HOSTAGENT_OCI_CONFIG_H
#define HOSTAGENT_OCI_CONFIG_H

#include "net_record.h"
#include "view.h"

#define OCI_CONFIG_MAX (4u * 1024u * 1024u)

typedef struct oci_additions {
	const net_record *record;
	const char *hook_path, *state;
	const char *view;              /* LXCFS's folder; NULL when there is none to be had */
	bool has_file[VIEW_FILES_MAX]; /* which of view_files it has */
} oci_additions;

/* Pure: the changed text of `config` into `out`. SOT_INVALID when it is no OCI configuration. */
sot_code oci_config_amend(
    sot_str config, const oci_additions *a, sot_buf *out, sot_err *err) SOT_CHECK;

/* Rewrites <bundle>/config.json in place (temp file and rename; not synced: a bundle lives on a
 * tmpfs and is made anew at every start). */
sot_code oci_config_rewrite(const char *bundle, const oci_additions *a, sot_err *err) SOT_CHECK;

#endif
