/* CAT's wire: any bytes are survived by the readers, and what was read can be printed as JSON. The
 * input is what follows a frame's length. */
#include "cat_accept.h"
#include "cat_read.h"

#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (64u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char frame[INPUT_MAX + 4];
	cat_read_tree tree;
	size_t whole;
	if (size > INPUT_MAX)
		return 0;
	frame[0] = frame[1] = 0;
	frame[2] = (char)(size >> 8);
	frame[3] = (char)size;
	if (size > 0)
		memcpy(frame + 4, data, size);
	sot_arena *memory = sot_arena_new(16u << 20);
	if (cat_read_frame_size((sot_str){frame, size + 4}, &whole, NULL) == SOT_OK &&
	    whole == size + 4 &&
	    cat_read_frame((sot_str){frame, whole}, memory, &tree, NULL) == SOT_OK) {
		SOT_AUTO_BUF json;
		SOT_AUTO(cat_accept) server = cat_accept_new();
		sot_buf_init(&json, 64u << 20);
		cat_read_json(&tree, &json);
		if (sot_buf_failed(&json) || json.n == 0 || json.p[0] != '{')
			abort();
		(void)cat_accept_tree(server, &tree, 1700000000123);
	}
	sot_arena_free(memory);
	return 0;
}
