#include "cat_read.h"

#include <inttypes.h>
#include <stdio.h>

static const char *kind_of(char letter)
{
	switch (letter) {
	case 'A':
		return "transaction";
	case 'E':
		return "event";
	case 'H':
		return "heartbeat";
	case 'M':
		return "metric";
	default:
		return "trace";
	}
}

static void put_member(sot_buf *out, const char *name, sot_str value)
{
	sot_buf_printf(out, ",\"%s\":", name);
	sot_buf_add_json(out, value);
}

static void put_number(sot_buf *out, double value)
{
	char text[40];
	/* JSON knows no nan or inf. */
	if (value - value != 0) {
		sot_buf_add_c(out, "null");
		return;
	}
	(void)snprintf(text, sizeof(text), "%.12g", value);
	sot_buf_add_c(out, text);
}

static void put_details(sot_buf *out, sot_str xml)
{
	cat_read_detail detail;
	size_t at = 0, count = 0;
	bool bad;
	sot_buf_add_c(out, ",\"details\":{");
	while (cat_read_next_detail(xml, &at, &detail, &bad)) {
		if (count++ > 0)
			sot_buf_add_char(out, ',');
		sot_buf_add_json(out, detail.id);
		sot_buf_add_char(out, ':');
		put_number(out, detail.value);
	}
	sot_buf_add_char(out, '}');
	if (bad)
		sot_buf_add_c(out, ",\"badDocument\":true");
}

/* Returns the place behind this message and its children. */
static size_t put_message(const cat_read_tree *tree, size_t at, sot_buf *out)
{
	const cat_read_message *m = &tree->messages[at++];
	sot_buf_printf(
	    out, "{\"kind\":\"%s\",\"atUnixMs\":%" PRId64, kind_of(m->letter), m->at_unix_ms);
	put_member(out, "type", m->type);
	put_member(out, "name", m->name);
	put_member(out, "status", m->status);
	put_member(out, "data", m->data);
	if (m->letter == 'H')
		put_details(out, m->data);
	if (m->letter == 'A') {
		sot_buf_printf(out, ",\"durationUs\":%" PRIu64 ",\"children\":[", m->duration_us);
		for (size_t count = 0; at < tree->count && tree->messages[at].depth > m->depth; count++) {
			if (count > 0)
				sot_buf_add_char(out, ',');
			at = put_message(tree, at, out);
		}
		sot_buf_add_char(out, ']');
	}
	sot_buf_add_char(out, '}');
	return at;
}

static void put_metrics(const cat_read_tree *tree, sot_buf *out)
{
	sot_buf_add_c(out, ",\"metrics\":[");
	for (size_t i = 0; i < tree->metric_count; i++) {
		const cat_read_metric *m = &tree->metrics[i];
		sot_buf_printf(out, "%s{\"atUnixMs\":%" PRId64, i > 0 ? "," : "", m->at_unix_ms);
		put_member(out, "name", m->name);
		put_member(out, "kind", m->kind);
		sot_buf_printf(out, ",\"count\":%" PRIu64 ",\"durationMs\":%" PRIu64 ",\"sum\":", m->count,
		    m->duration_ms);
		put_number(out, m->sum);
		sot_buf_add_char(out, '}');
	}
	sot_buf_add_char(out, ']');
}

void cat_read_json(const cat_read_tree *tree, sot_buf *out)
{
	static const char *const names[CAT_READ_HEADER] = {"domain", "hostName", "address",
	    "threadGroup", "threadId", "threadName", "messageId", "parentId", "rootId", "session"};
	sot_buf_printf(out, "{\"codec\":\"%s\"", tree->codec);
	for (size_t i = 0; i < CAT_READ_HEADER; i++)
		put_member(out, names[i], tree->header[i]);
	if (tree->count > 0) {
		sot_buf_add_c(out, ",\"message\":");
		(void)put_message(tree, 0, out);
	} else {
		put_metrics(tree, out);
	}
	sot_buf_add_char(out, '}');
}
