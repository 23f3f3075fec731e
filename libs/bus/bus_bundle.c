#include "bus_bundle.h"

enum { MARK = 0xC1 };

bool bus_bundle_is(sot_str message)
{
	return message.n > 0 && (uint8_t)message.p[0] == MARK;
}

void bus_bundle_begin(sot_buf *out)
{
	sot_buf_reset(out);
	sot_buf_add_char(out, (char)MARK);
}

bool bus_bundle_has_room(const sot_buf *out, size_t frame_bytes)
{
	return frame_bytes <= BUS_BUNDLE_MAX &&
	       out->n + BUS_BUNDLE_FRAME_HEAD + frame_bytes <= BUS_BUNDLE_MAX;
}

void bus_bundle_add(sot_buf *out, sot_str frame)
{
	const char head[BUS_BUNDLE_FRAME_HEAD] = {
	    (char)(frame.n >> 24), (char)(frame.n >> 16), (char)(frame.n >> 8), (char)frame.n};

	sot_buf_add(out, head, sizeof(head));
	sot_buf_add_str(out, frame);
}

bool bus_bundle_next(sot_str *rest, sot_str *ret_frame)
{
	size_t n = 0;

	if (rest->n < BUS_BUNDLE_FRAME_HEAD)
		return false;
	for (int k = 0; k < BUS_BUNDLE_FRAME_HEAD; k++)
		n = n << 8 | (uint8_t)rest->p[k];
	if (n > rest->n - BUS_BUNDLE_FRAME_HEAD)
		return false;
	*ret_frame = (sot_str){rest->p + BUS_BUNDLE_FRAME_HEAD, n};
	*rest = (sot_str){ret_frame->p + n, rest->n - BUS_BUNDLE_FRAME_HEAD - n};
	return true;
}

bool bus_bundle_check(sot_str bundle)
{
	sot_str frame;

	if (!bus_bundle_is(bundle))
		return false;
	sot_str rest = {bundle.p + BUS_BUNDLE_HEAD, bundle.n - BUS_BUNDLE_HEAD};
	while (bus_bundle_next(&rest, &frame))
		;
	return rest.n == 0;
}
