#include "gw_policy.h"

#include <string.h>
#include <strings.h>

static bool name_is(sot_str name, const char *want)
{
	return name.n == strlen(want) && strncasecmp(name.p, want, name.n) == 0;
}

static sot_code check_name(sot_str name, sot_err *err)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];
		if (c <= 0x20 || c >= 0x7f || c == ':')
			return sot_fail(err, SOT_INVALID, "a header name has the byte 0x%02x", c);
	}
	if (name.n == 0)
		return sot_fail(err, SOT_INVALID, "a header has no name");
	return SOT_OK;
}

static sot_code check_value(const gw_header *h, sot_err *err)
{
	for (size_t i = 0; i < h->value.n; i++) {
		unsigned char c = (unsigned char)h->value.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return sot_fail(
			    err, SOT_INVALID, "the header %.*s has the byte 0x%02x", SOT_ARG(h->name), c);
	}
	return SOT_OK;
}

static sot_code check_length(sot_str value, sot_err *err)
{
	bool digits = value.n > 0 && value.n <= 18;
	for (size_t i = 0; i < value.n; i++)
		digits = digits && value.p[i] >= '0' && value.p[i] <= '9';
	if (!digits)
		return sot_fail(err, SOT_INVALID, "Content-Length is not one decimal number");
	return SOT_OK;
}

typedef struct framing {
	unsigned hosts, lengths, encodings;
} framing;

static sot_code check_header(const gw_header *h, framing *f, sot_err *err)
{
	if (check_name(h->name, err) != SOT_OK || check_value(h, err) != SOT_OK)
		return SOT_INVALID;
	if (name_is(h->name, "Host"))
		f->hosts++;
	if (name_is(h->name, "Content-Length")) {
		f->lengths++;
		return check_length(h->value, err);
	}
	if (name_is(h->name, "Transfer-Encoding")) {
		f->encodings++;
		if (!name_is(h->value, "chunked"))
			return sot_fail(err, SOT_INVALID, "Transfer-Encoding is not 'chunked'");
	}
	return SOT_OK;
}

static sot_code check_framing(const framing *f, sot_str version, sot_err *err)
{
	if (f->lengths > 1)
		return sot_fail(err, SOT_INVALID, "Content-Length is given %u times", f->lengths);
	if (f->encodings > 1)
		return sot_fail(err, SOT_INVALID, "Transfer-Encoding is given %u times", f->encodings);
	if (f->lengths > 0 && f->encodings > 0)
		return sot_fail(err, SOT_INVALID, "Content-Length and Transfer-Encoding together");
	if (f->hosts > 1)
		return sot_fail(err, SOT_INVALID, "Host is given %u times", f->hosts);
	if (f->hosts == 0 && sot_str_eq_c(version, "HTTP/1.1"))
		return sot_fail(err, SOT_INVALID, "the Host header is missing");
	return SOT_OK;
}

/* The HTTP library hands header values over as C strings: what stands behind a NUL, and how a
 * folded line was written, is not visible. But it tells the size of the head. What is visible,
 * written with one space behind each colon, must account for it; one more byte is hidden. */
static sot_code check_size(const gw_head *head, sot_err *err)
{
	size_t visible = head->method.n + 1 + head->target.n + 1 + head->version.n + 2 + 2;
	for (size_t i = 0; i < head->header_count; i++)
		visible += head->headers[i].name.n + 2 + head->headers[i].value.n + 2;
	if (head->size_bytes > visible)
		return sot_fail(err, SOT_INVALID,
		    "the head has %zu bytes more than its lines: a NUL, a folded line, or extra spaces",
		    head->size_bytes - visible);
	return SOT_OK;
}

sot_code gw_policy_check(const gw_head *head, sot_err *err)
{
	framing f = {0};
	if (head->header_count >= GW_HEADERS_MAX)
		return sot_fail(err, SOT_INVALID, "more than %d headers", GW_HEADERS_MAX - 1);
	for (size_t i = 0; i < head->header_count; i++)
		if (check_header(&head->headers[i], &f, err) != SOT_OK)
			return SOT_INVALID;
	if (check_framing(&f, head->version, err) != SOT_OK)
		return SOT_INVALID;
	return check_size(head, err);
}
