/* What services tell of their calls, any bytes of it: each type is given once, and no count is made
 * up. */
#include "service_calls.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sot_str text = {(const char *)data, size}, done[8], name;
	for (size_t i = 0; i < 8; i++) {
		SOT_AUTO(sot_calls) calls = sot_calls_new(16);
		sot_map_iter it = {0};
		size_t wrong;
		done[i] = service_calls_read(text, done, i, calls, &wrong);
		if (done[i].n == 0 && !sot_calls_is_empty(calls))
			abort();
		if (done[i].n == 0)
			return 0;
		for (const sot_call_counts *c; (c = sot_calls_next(calls, &it, &name)) != NULL;) {
			uint64_t sum = 0;
			for (size_t k = 0; k < SOT_CALL_CLASSES; k++)
				sum += c->classes[k];
			if (c->failed > c->count || (sum != c->count && c->count < UINT32_MAX))
				abort();
		}
	}
	return 0;
}
