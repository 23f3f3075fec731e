#include "cat_heartbeat.h"

#include "cat_text.h"

#include <math.h>

#define VALUE_MAX 1e15 /* two decimals are exact up to here */

void cat_heartbeat_begin(cat_heartbeat *h, char *buffer, size_t size)
{
	*h = (cat_heartbeat){.writer = cat_writer_on(buffer, size)};
	cat_put_c(&h->writer, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<status>\n");
}

static void close_group(cat_heartbeat *h)
{
	if (h->group_is_open)
		cat_put_c(&h->writer, "</extension>\n");
	h->group_is_open = false;
}

static void put_id(cat_heartbeat *h, const char *id)
{
	char scratch[CAT_NAME_MAX];
	cat_put_c(&h->writer, " id=\"");
	cat_put_str(&h->writer, cat_clean_id(sot_str_c(id), scratch, &h->ids_cleaned));
	cat_put_char(&h->writer, '"');
}

void cat_heartbeat_group(cat_heartbeat *h, const char *id, const char *description)
{
	char scratch[CAT_NAME_MAX];
	close_group(h);
	cat_put_c(&h->writer, "<extension");
	put_id(h, id);
	cat_put_c(&h->writer, "><description><![CDATA[");
	/* The same small alphabet keeps "]]>" out. */
	cat_put_str(&h->writer, cat_clean_id(sot_str_c(description), scratch, &h->ids_cleaned));
	cat_put_c(&h->writer, "]]></description>\n");
	h->group_is_open = true;
}

static void begin_detail(cat_heartbeat *h, const char *id)
{
	cat_put_c(&h->writer, "<extensionDetail");
	put_id(h, id);
	cat_put_c(&h->writer, " value=\"");
}

void cat_heartbeat_value(cat_heartbeat *h, const char *id, double value)
{
	if (!isfinite(value)) {
		h->values_left_out++;
		return;
	}
	double limited = fmin(fmax(value, -VALUE_MAX), VALUE_MAX);
	long long hundredths = llround(limited * 100);
	uint64_t magnitude = (uint64_t)(hundredths < 0 ? -hundredths : hundredths);
	begin_detail(h, id);
	if (hundredths < 0)
		cat_put_char(&h->writer, '-');
	cat_put_u64(&h->writer, magnitude / 100, 1);
	cat_put_char(&h->writer, '.');
	cat_put_u64(&h->writer, magnitude % 100, 2);
	cat_put_c(&h->writer, "\"/>\n");
}

void cat_heartbeat_count(cat_heartbeat *h, const char *id, uint64_t value)
{
	begin_detail(h, id);
	cat_put_u64(&h->writer, value, 1);
	cat_put_c(&h->writer, "\"/>\n");
}

sot_code cat_heartbeat_end(cat_heartbeat *h, sot_str *ret, sot_err *err)
{
	close_group(h);
	cat_put_c(&h->writer, "</status>\n");
	if (h->writer.full)
		return sot_fail(err, SOT_LIMIT, "heartbeat passes %zu bytes", h->writer.size);
	*ret = (sot_str){h->writer.p, h->writer.n};
	return SOT_OK;
}
