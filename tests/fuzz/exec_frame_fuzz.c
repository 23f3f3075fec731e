/* Any bytes: parsed or refused; what was parsed is written back as the same bytes. */
#include "exec_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[EXEC_FRAME_MAX];
	exec_frame f;
	if (!exec_frame_parse(data, size, &f))
		return 0;
	if (exec_frame_write(&f, again) != size || memcmp(again, data, size) != 0)
		abort();
	return 0;
}
