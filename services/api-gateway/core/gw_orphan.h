/* gw_orphan - which files of blobs_dir may be blobs that nobody will ever ask for. Pure. */
#ifndef GW_ORPHAN_H
#define GW_ORPHAN_H

#include "sot_str.h"

#define GW_ORPHAN_AGE_S (24 * 3600)

/* True when the name is a blob's (64 of [0-9a-f]) and its last write is at least a day ago. A
 * younger one may be an upload between its rename and its row; one from the future says nothing. */
bool gw_orphan_is_candidate(sot_str name, int64_t written_unix_s, int64_t now_unix_s);

#endif
