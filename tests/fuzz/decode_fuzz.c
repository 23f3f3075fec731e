/* Any bytes into every decoder: what is accepted can be encoded, and decodes to the same frame. */
#include "sot_proto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void try_type(const sot_wire_struct *type, sot_str frame)
{
	SOT_AUTO(sot_arena) arena = sot_arena_new(4u * SOT_WIRE_FRAME_MAX);
	SOT_AUTO_BUF once;
	SOT_AUTO_BUF twice;
	sot_buf_init(&once, SOT_WIRE_FRAME_MAX);
	sot_buf_init(&twice, SOT_WIRE_FRAME_MAX);
	void *message = sot_arena_alloc(arena, type->size);
	sot_err err;
	if (sot_wire_decode(type, frame, arena, message, &err) != SOT_OK)
		return;
	check(sot_wire_encode(type, message, &once, &err) == SOT_OK);
	check(sot_wire_decode(type, sot_buf_str(&once), arena, message, &err) == SOT_OK);
	check(sot_wire_encode(type, message, &twice, &err) == SOT_OK);
	check(sot_str_eq(sot_buf_str(&once), sot_buf_str(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sot_str frame = {(const char *)data, size};
	sot_wire_head head;
	if (sot_wire_peek(frame, &head, NULL) == SOT_OK && sot_proto_message(head.id))
		try_type(sot_proto_message(head.id), frame);
	else
		try_type(sot_proto_messages[0], frame);
	try_type(&sot_instance_spec_type, frame);
	return 0;
}
