/* copy - the near side of `sotalia cp`: files of this machine to and from a tar stream, read and
 * written in blocks, whatever the size. Both block, say on stderr what went wrong, and run in a
 * process of their own (run_copy.c): copy_receive changes the working folder.
 */
#ifndef CLI_COPY_H
#define CLI_COPY_H

#include "sot_str.h"

#include <stdint.h>

#include "sot_time.h"

/* A path is "." or ends with "/.": what is in the folder, not the folder itself. */
bool copy_is_contents(const char *path);
/* The last part of a path; empty when it has none of its own ("", "/", ".", "..", "a/."). */
sot_str copy_base(const char *path);

/* ---- progress: one line of a terminal, written over and over ---- */
typedef struct copy_progress {
	bool is_shown;
	uint64_t bytes, files;
	sot_mono begun, drawn;
	char name[64]; /* without what would move the cursor */
} copy_progress;
void copy_progress_begin(copy_progress *p);
void copy_progress_file(copy_progress *p, const char *name);
void copy_progress_add(copy_progress *p, uint64_t bytes);
void copy_progress_end(copy_progress *p);
/* At most size - 1 bytes of `text`; control characters, of names that somebody else chose, as '?'.
 */
const char *copy_clean(const char *text, char *dst, size_t size);

/* ---- streams ---- */
/* The file or folder `source` as a tar stream, its first part named `top`; `top` empty: only what
 * is in the folder. Sockets, pipes and devices are left out. False: something is missing in the
 * stream. */
bool copy_send(const char *source, sot_str top, int out, copy_progress *p);
/* The files, folders and links of a tar stream below the folder `into`. `top` is what the first
 * part of all names becomes; empty: it is cut off; a NULL `top.p`: it stays. The stream is another
 * machine's: nothing is written outside of `into` or through a link, all names must have the same
 * first part, and neither owners nor set-uid bits are taken over. False: something is missing;
 * *ret_bytes: of the stream. */
bool copy_receive(int in, const char *into, sot_str top, copy_progress *p, uint64_t *ret_bytes);

#endif
