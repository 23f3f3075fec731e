#include "cat_bag.h"

#include "cat_text.h"
#include "cat_writer.h"

#define LENGTH_PREFIX 4

static void put_varint(cat_writer *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		cat_put_char(w, (char)((v & 0x7f) | 0x80));
	cat_put_char(w, (char)v);
}

/* The server takes a first byte of 0xff for "no text" and does not skip it: a length of 255, 383,
 * ... begins so, and is made one shorter. */
static void put_text(cat_writer *w, sot_str s, cat_repairs *repairs)
{
	char scratch[CAT_NAME_MAX];
	sot_str clean = cat_clean_name(s, scratch, &repairs->names_cleaned);
	if (clean.n > 127 && clean.n % 128 == 127) {
		clean.n--;
		repairs->names_cleaned++;
	}
	put_varint(w, clean.n);
	cat_put_str(w, clean);
}

static void put_metric(cat_writer *w, const cat_bag_metric *m, cat_repairs *repairs)
{
	uint64_t bits;
	memcpy(&bits, &m->sum, sizeof(bits));
	put_varint(w, (uint64_t)m->at_unix_ms);
	put_text(w, m->name, repairs);
	put_text(w, m->is_count ? SOT_STR("COUNT") : SOT_STR("SUM"), repairs);
	put_varint(w, m->count);
	put_varint(w, m->is_count ? 0 : bits);
	put_varint(w, 0); /* duration */
}

sot_code cat_bag_encode(const cat_header *header, const cat_bag_metric *metrics, size_t count,
    char *dst, size_t dst_size, size_t *ret_size, cat_repairs *repairs, sot_err *err)
{
	size_t room = dst_size < CAT_FRAME_MAX ? dst_size : CAT_FRAME_MAX;
	if (room < LENGTH_PREFIX)
		return sot_fail(err, SOT_LIMIT, "no room for a frame in %zu bytes", dst_size);
	cat_writer w = cat_writer_on(dst + LENGTH_PREFIX, room - LENGTH_PREFIX);
	cat_put_c(&w, "NM1");
	put_text(&w, header->domain, repairs);
	put_text(&w, header->host_name, repairs);
	put_text(&w, header->address, repairs);
	put_varint(&w, count);
	for (size_t i = 0; i < count; i++)
		put_metric(&w, &metrics[i], repairs);
	if (w.full)
		return sot_fail(err, SOT_LIMIT, "%zu metrics pass %zu bytes", count, room);
	for (int i = 0; i < LENGTH_PREFIX; i++)
		dst[i] = (char)(w.n >> (8 * (LENGTH_PREFIX - 1 - i)));
	*ret_size = LENGTH_PREFIX + w.n;
	return SOT_OK;
}
