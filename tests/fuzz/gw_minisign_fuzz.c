/* Signature files and keys of minisign: what comes is refused or has its exact form, the comment
 * lies inside the input, and nothing that was made up verifies. */
#include "gw_minisign.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[GW_MINISIGN_HASH_N];
	sot_str text = {(const char *)data, size};
	gw_minisign s;
	gw_minisign_key key;
	sot_err err = {0};
	bool has_key = gw_minisign_key_parse(text, &key, &err) == SOT_OK;
	if (gw_minisign_parse(text, &s, &err) == SOT_OK) {
		check(s.trusted_comment.p >= text.p &&
		      s.trusted_comment.p + s.trusted_comment.n <= text.p + text.n);
		check(strlen(s.key_id) == 16);
		key = (gw_minisign_key){0};
		memcpy(key.id, s.key_id, sizeof(key.id));
		check(gw_minisign_verify(&s, &key, hash, &err) == SOT_DENIED);
	}
	check(!has_key || strlen(key.id) == 16);
	return 0;
}
