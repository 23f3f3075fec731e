/* What the scanner accepts, msgpack-c decodes to the last byte, and needs no more memory than the
 * frame explains. */
#include "sot_wire.h"

#include <msgpack.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sot_str frame = {(const char *)data, size};
	sot_wire_head head;
	sot_err err;
	if (sot_wire_precheck(frame, &err) != SOT_OK) {
		check(sot_wire_peek(frame, &head, &err) != SOT_OK);
		return 0;
	}
	(void)!sot_wire_peek(frame, &head, &err);
	msgpack_unpacked unpacked;
	msgpack_unpacked_init(&unpacked);
	size_t used = 0;
	check(msgpack_unpack_next(&unpacked, frame.p, frame.n, &used) == MSGPACK_UNPACK_SUCCESS);
	check(used == frame.n);
	msgpack_unpacked_destroy(&unpacked);
	return 0;
}
