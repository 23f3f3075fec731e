#include "cat_read.h"

#include "cat_read_internal.h"
#include "sot_parse.h"

#include <math.h>
#include <string.h>

#define LENGTH_PREFIX 4

static uint32_t length_of(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

sot_code cat_read_frame_size(sot_str bytes, size_t *ret, sot_err *err)
{
	if (bytes.n < LENGTH_PREFIX) {
		*ret = 0;
		return SOT_OK;
	}
	uint32_t n = length_of(bytes.p);
	if (n < 4 || n > CAT_READ_FRAME_MAX)
		return sot_fail(
		    err, SOT_INVALID, "a frame of %u bytes: this is no CAT stream, or it is torn", n);
	*ret = bytes.n - LENGTH_PREFIX < n ? 0 : LENGTH_PREFIX + n;
	return SOT_OK;
}

cat_read_message *cat_begin_message(cat_cursor *c, const char *letters, char letter, unsigned depth)
{
	cat_read_tree *t = c->tree;
	if (!letter || !strchr(letters, letter)) {
		cat_wrong(c, "a letter that begins no message");
		return NULL;
	}
	if (depth > CAT_READ_DEPTH_MAX) {
		cat_wrong(c, "a tree that is nested too deeply");
		return NULL;
	}
	if (t->count == CAT_READ_MESSAGES_MAX) {
		cat_wrong(c, "more messages in a tree than can be");
		return NULL;
	}
	if (t->count == c->capacity) {
		size_t capacity = c->capacity > 0 ? c->capacity * 2 : 16;
		cat_read_message *more = sot_arena_alloc(c->memory, capacity * sizeof(*more));
		if (!more) {
			cat_wrong(c, "no memory for so many messages");
			return NULL;
		}
		if (t->count > 0)
			memcpy(more, t->messages, t->count * sizeof(*more));
		t->messages = more;
		c->capacity = capacity;
	}
	cat_read_message *m = &t->messages[t->count++];
	*m = (cat_read_message){.letter = letter == 't' ? 'A' : letter, .depth = depth};
	return m;
}

sot_code cat_read_frame(sot_str frame, sot_arena *memory, cat_read_tree *ret, sot_err *err)
{
	static const struct {
		const char *codec;
		void (*read)(cat_cursor *c);
	} codecs[] = {{"NT1", cat_read_nt1}, {"PT1", cat_read_pt1}, {"NM1", cat_read_nm1}};
	cat_read_tree tree = {.count = 0};
	cat_cursor c = {.p = (const unsigned char *)frame.p,
	    .n = frame.n,
	    .at = LENGTH_PREFIX,
	    .memory = memory,
	    .tree = &tree};
	if (frame.n < LENGTH_PREFIX + 4 || length_of(frame.p) != frame.n - LENGTH_PREFIX)
		return sot_fail(err, SOT_INVALID, "%zu bytes are no whole frame", frame.n);
	for (int i = 0; i < 3; i++)
		tree.codec[i] = (char)cat_take(&c);
	size_t k = 0;
	while (k < 3 && strcmp(tree.codec, codecs[k].codec) != 0)
		k++;
	if (k == 3)
		return sot_fail(err, SOT_INVALID, "the frame's codec is none of NT1, PT1, NM1");
	codecs[k].read(&c);
	if (!cat_bad(&c) && c.at != c.n)
		cat_wrong(&c, "there are bytes behind the root");
	if (cat_bad(&c))
		return sot_fail(
		    err, SOT_INVALID, "%s at byte %zu of %zu: %s", tree.codec, c.wrong_at, c.n, c.wrong);
	*ret = tree;
	return SOT_OK;
}

/* ---- figures of a heartbeat ---- */

static bool skip_text(sot_str xml, size_t *at, const char *text)
{
	size_t n = strlen(text);
	if (xml.n - *at < n || memcmp(xml.p + *at, text, n) != 0)
		return false;
	*at += n;
	return true;
}

static void skip_blanks(sot_str xml, size_t *at)
{
	while (*at < xml.n && strchr(" \t\r\n", xml.p[*at]) && xml.p[*at])
		(*at)++;
}

/* Up to `mark`, which is skipped. */
static bool take_until(sot_str xml, size_t *at, const char *mark, sot_str *ret)
{
	const char *found = memmem(xml.p + *at, xml.n - *at, mark, strlen(mark));
	if (!found)
		return false;
	*ret = (sot_str){xml.p + *at, (size_t)(found - (xml.p + *at))};
	*at += ret->n + strlen(mark);
	return true;
}

static bool take_detail(sot_str xml, size_t *at, cat_read_detail *ret)
{
	sot_str value;
	if (!take_until(xml, at, "\" value=\"", &ret->id) || !take_until(xml, at, "\"/>", &value) ||
	    memchr(ret->id.p, '<', ret->id.n))
		return false;
	if (value.n == 0) {
		ret->value = 0;
		return true;
	}
	return sot_parse_double(value, &ret->value, NULL) == SOT_OK && isfinite(ret->value);
}

/* The group's head up to its first detail; *at stands behind `<extension id="`. */
static bool take_group(sot_str xml, size_t *at, sot_str *ret)
{
	sot_str description;
	if (!take_until(xml, at, "\">", ret))
		return false;
	skip_blanks(xml, at);
	if (!skip_text(xml, at, "<description><![CDATA["))
		return true;
	return take_until(xml, at, "]]></description>", &description);
}

bool cat_read_next_detail(sot_str xml, size_t *at, cat_read_detail *ret, bool *ret_bad)
{
	*ret_bad = true;
	if (*at == 0) {
		sot_str declaration;
		ret->group = (sot_str){NULL, 0};
		if (skip_text(xml, at, "<?xml ") && !take_until(xml, at, "?>", &declaration))
			return false;
		skip_blanks(xml, at);
		if (!skip_text(xml, at, "<status>"))
			return false;
	}
	for (;;) {
		skip_blanks(xml, at);
		if (ret->group.p == NULL && skip_text(xml, at, "</status>")) {
			skip_blanks(xml, at);
			*ret_bad = *at != xml.n;
			return false;
		}
		if (ret->group.p == NULL && skip_text(xml, at, "<extension id=\"")) {
			if (!take_group(xml, at, &ret->group))
				return false;
		} else if (ret->group.p != NULL && skip_text(xml, at, "</extension>")) {
			ret->group = (sot_str){NULL, 0};
		} else if (ret->group.p != NULL && skip_text(xml, at, "<extensionDetail id=\"")) {
			return take_detail(xml, at, ret);
		} else {
			return false; /* an element that the server does not know */
		}
	}
}
