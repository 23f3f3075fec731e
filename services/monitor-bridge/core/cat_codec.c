#include "cat_codec.h"

#include "cat_codec_internal.h"

#define LENGTH_PREFIX 4

static sot_code check_tree(const cat_message *m, unsigned depth, sot_err *err)
{
	if (depth >= CAT_DEPTH_MAX)
		return sot_fail(err, SOT_INVALID, "tree is nested deeper than %d", CAT_DEPTH_MAX);
	if (m->kind != CAT_TRANSACTION && m->child_count > 0)
		return sot_fail(err, SOT_INVALID, "only a transaction may have children");
	for (size_t i = 0; i < m->child_count; i++) {
		sot_code code = check_tree(&m->children[i], depth + 1, err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

sot_code cat_encode(cat_codec codec, const cat_header *header, const cat_message *root, char *dst,
    size_t dst_size, size_t *ret_size, cat_repairs *repairs, sot_err *err)
{
	sot_code code = check_tree(root, 0, err);
	if (code != SOT_OK)
		return code;
	size_t room = dst_size < CAT_FRAME_MAX ? dst_size : CAT_FRAME_MAX;
	if (room < LENGTH_PREFIX)
		return sot_fail(err, SOT_LIMIT, "no room for a frame in %zu bytes", dst_size);
	cat_writer w = cat_writer_on(dst + LENGTH_PREFIX, room - LENGTH_PREFIX);
	if (codec == CAT_NT1) {
		cat_nt1_body(&w, header, root, repairs);
	} else {
		cat_pt1_body(&w, header, root, repairs);
	}
	if (w.full)
		return sot_fail(err, SOT_LIMIT, "message %.*s/%.*s passes %zu bytes", SOT_ARG(root->type),
		    SOT_ARG(root->name), room);
	dst[0] = (char)(w.n >> 24);
	dst[1] = (char)(w.n >> 16);
	dst[2] = (char)(w.n >> 8);
	dst[3] = (char)w.n;
	*ret_size = LENGTH_PREFIX + w.n;
	return SOT_OK;
}
