/* cat_files - what a CAT client inside an instance looks for: /data/appdatas/cat/client.xml, and
 * the folders /data/appdatas/cat and /data/applogs/cat that it writes to (github.com/dianping/cat).
 *
 * Both lie in folders that the instance may write to, so no name in them is trusted: links are
 * never followed, and a name that is something else is left alone.
 */
#ifndef HOSTAGENT_CAT_FILES_H
#define HOSTAGENT_CAT_FILES_H

#include "sot_mem.h"
#include "sot_uuid.h"

/* servers: "10.0.0.1[:2280[:8080]]" with ';' between (port of messages, port of its web server).
 * Appends the document. SOT_INVALID says which one is wrong. */
sot_code cat_files_render(const char *servers, sot_buf *out, sot_err *err) SOT_CHECK;
/* Makes the folders and replaces the file of an instance; nothing when `servers` is "". */
sot_code cat_files_write(
    const char *state_dir, sot_uuid instance, const char *servers, sot_err *err) SOT_CHECK;

#endif
