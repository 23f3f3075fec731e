/* gw_text - the small texts of HTTP: escapes, credentials, cookies, cursors, ranges.
 *
 * Pure; strict: what is not exactly right is refused with a reason.
 */
#ifndef GW_TEXT_H
#define GW_TEXT_H

#include "sot_str.h"
#include "sot_uuid.h"

/* Copies with a NUL, cut at size - 1 bytes: for texts whose length was checked before, or that are
 * only shown. */
void gw_copy_cut(sot_str s, char *dst, size_t size);

/* Decodes %XX into dst with a NUL; SOT_INVALID for a bad escape, %00 or invalid UTF-8, SOT_LIMIT
 * when it does not fit. */
sot_code gw_percent_decode(
    sot_str s, char *dst, size_t dst_size, size_t *ret_n, sot_err *err) SOT_CHECK;

/* "Bearer sot_<id>_<secret>"; id: 16 of [0-9a-f], secret: 64 of [0-9a-f]. Borrows from `header`. */
#define GW_TOKEN_ID_N 16
#define GW_TOKEN_SECRET_N 64
sot_code gw_bearer_parse(
    sot_str header, sot_str *ret_id, sot_str *ret_secret, sot_err *err) SOT_CHECK;
/* The value of one cookie in a Cookie header; the empty view when absent or given twice. */
sot_str gw_cookie(sot_str header, const char *name);

/* Opaque page tokens: base64url of "1|<list>|<key>". A token of another list is refused. */
#define GW_PAGE_KEY_MAX 200
void gw_page_encode(const char *list, sot_str key, sot_buf *out);
sot_code gw_page_decode(
    const char *list, sot_str token, char ret_key[GW_PAGE_KEY_MAX], sot_err *err) SOT_CHECK;

/* "<stream>.<number>" or only "<number>" (then *ret_has_stream is false). */
sot_code gw_cursor_parse(sot_str text, bool *ret_has_stream, sot_uuid *ret_stream,
    uint64_t *ret_number, sot_err *err) SOT_CHECK;

/* A Range header of one range over `size` bytes: "bytes=5-", "bytes=5-9", "bytes=-3".
 * SOT_OK with the range; SOT_NOT_FOUND when the header means nothing to us (serve it all);
 * SOT_LIMIT when it cannot be satisfied (416). */
sot_code gw_range_parse(sot_str header, uint64_t size, uint64_t *ret_first, uint64_t *ret_count,
    sot_err *err) SOT_CHECK;

/* "30s", "500ms", "2m" or "30" (seconds) to milliseconds, at most max_ms. */
sot_code gw_duration_parse(sot_str text, int64_t max_ms, int64_t *ret_ms, sot_err *err) SOT_CHECK;

/* A name of a package version, and of a file: no path, no control characters. */
bool gw_is_version(sot_str s);
bool gw_is_file_name(sot_str s);

#endif
