/* bus_bundle - several frames as one message: what a process has to say to one peer within a turn
 * of its loop.
 *
 * The byte 0xC1, with which no msgpack value begins, then each frame behind its length as 4
 * big-endian bytes. A bundle of no frames says that its sender reads bundles: a client that wants
 * them sends one on every new connection, a server that knows them sends one back. Who does not
 * know them drops it as malformed, is never sent another one, and nothing is lost. Pure.
 */
#ifndef BUS_BUNDLE_H
#define BUS_BUNDLE_H

#include "sot_str.h"

enum {
	BUS_BUNDLE_MAX = 256 * 1024, /* what would become larger is sent as two */
	BUS_BUNDLE_HEAD = 1,
	BUS_BUNDLE_FRAME_HEAD = 4,
};

bool bus_bundle_is(sot_str message);
/* Makes `out` a bundle of no frames; it must have room for BUS_BUNDLE_MAX bytes. */
void bus_bundle_begin(sot_buf *out);
/* Whether the frame still fits into the bundle. */
bool bus_bundle_has_room(const sot_buf *out, size_t frame_bytes);
void bus_bundle_add(sot_buf *out, sot_str frame);
/* Whether the lengths fill the bundle exactly. */
bool bus_bundle_check(sot_str bundle);
/* Begins with *rest = the bundle, which was checked, without its first byte (BUS_BUNDLE_HEAD).
 * False at the end. */
bool bus_bundle_next(sot_str *rest, sot_str *ret_frame);

#endif
