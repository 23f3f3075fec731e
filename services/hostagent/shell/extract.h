/* extract - unpacks a package (zip, war, tar, tar.gz) that a stranger made into an empty folder.
 *
 * Every path is resolved beneath the folder by openat2 without following any link; links are made
 * last and only when relative and inward; devices, FIFOs and hard links are refused, setuid bits
 * dropped; entries, bytes and ratio are bounded while streaming. Blocking: for a process of its
 * own.
 */
#ifndef HOSTAGENT_EXTRACT_H
#define HOSTAGENT_EXTRACT_H

#include "sot_str.h"

typedef struct extract_limits {
	uint64_t entries, entry_bytes, total_bytes;
	uint64_t ratio; /* total bytes per byte of the archive, from 1 MiB on */
} extract_limits;
extern const extract_limits extract_default_limits;

/* SOT_INVALID names the entry that is at fault, SOT_LIMIT the bound. What was unpacked before the
 * fault stays: the caller removes the folder. */
sot_code extract_archive(
    const char *archive, const char *folder, const extract_limits *limits, sot_err *err) SOT_CHECK;

/* Whether `name` is a relative path without "..", empty, or "." parts that leave it. Pure. */
bool extract_path_is_safe(const char *name);
/* Whether a link at `name` with this target stays inside. Pure. */
bool extract_link_is_safe(const char *name, const char *target);
/* Where the kernel comes to from `path` below an open folder, following links: 0, something inside;
 * EXDEV, out of the folder; another errno, nowhere. Asks again while renames elsewhere on the
 * machine keep the kernel from being sure about a "..": EAGAIN only after 10,000 times.
 * Source: openat2(2), "EAGAIN" */
int extract_follow_beneath(int folder_fd, const char *path);

#endif
