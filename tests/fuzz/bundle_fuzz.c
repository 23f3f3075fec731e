/* Any bytes: refused, or frames that fill them exactly and become the same bundle again. */
#include "bus_bundle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sot_str bundle = {(const char *)data, size}, frame;
	sot_buf again = {0};

	if (!bus_bundle_check(bundle) || size > BUS_BUNDLE_MAX)
		return 0;
	sot_str rest = {bundle.p + BUS_BUNDLE_HEAD, bundle.n - BUS_BUNDLE_HEAD};
	sot_buf_init(&again, BUS_BUNDLE_MAX);
	bus_bundle_begin(&again);
	while (bus_bundle_next(&rest, &frame)) {
		if (!bus_bundle_has_room(&again, frame.n))
			abort();
		bus_bundle_add(&again, frame);
	}
	if (again.n != size || memcmp(again.p, data, size) != 0)
		abort();
	sot_buf_clear(&again);
	return 0;
}
