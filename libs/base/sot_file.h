/* sot_file - whole files, with bounds and durability. Blocking; for start-up and small records. */
#ifndef SOT_FILE_H
#define SOT_FILE_H

#include "sot_str.h"

/* Appends the file's content to `out`; SOT_LIMIT when it is larger than `out` may grow. */
sot_code sot_file_read(const char *path, sot_buf *out, sot_err *err) SOT_CHECK;
/* Temp file in the same folder, write, fsync, rename, fsync of the folder: after a crash the file
 * is either the old or the new one. */
sot_code sot_file_write(const char *path, sot_str content, unsigned mode, sot_err *err) SOT_CHECK;
/* mkdir -p; a folder that exists is fine, whatever its mode. */
sot_code sot_mkdirs(const char *path, unsigned mode, sot_err *err) SOT_CHECK;

#endif
