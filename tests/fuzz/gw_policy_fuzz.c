/* Request heads: what the policy accepts has one Host (none only before HTTP/1.1), at most one
 * length of digits only, never two framings, and no byte that another reader of the head could take
 * for its end. Input: method, target, version, then names and values in turn, each ended by a
 * newline. */
#include "gw_policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static bool named(const gw_header *h, const char *name)
{
	return h->name.n == strlen(name) && strncasecmp(h->name.p, name, h->name.n) == 0;
}

static size_t count_of(const gw_head *head, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < head->header_count; i++)
		n += named(&head->headers[i], name) ? 1 : 0;
	return n;
}

static bool has_end(sot_str s)
{
	return s.n > 0 && (memchr(s.p, '\r', s.n) != NULL || memchr(s.p, '\0', s.n) != NULL);
}

static void check_accepted(const gw_head *head)
{
	size_t lengths = count_of(head, "Content-Length"),
	       encodings = count_of(head, "Transfer-Encoding");
	check(lengths <= 1 && encodings <= 1 && lengths + encodings <= 1);
	check(count_of(head, "Host") == 1 ||
	      (count_of(head, "Host") == 0 && !sot_str_eq_c(head->version, "HTTP/1.1")));
	for (size_t i = 0; i < head->header_count; i++) {
		const gw_header *h = &head->headers[i];
		check(h->name.n > 0 && memchr(h->name.p, ' ', h->name.n) == NULL);
		check(!has_end(h->name) && !has_end(h->value));
		for (size_t k = 0; named(h, "Content-Length") && k < h->value.n; k++)
			check(h->value.p[k] >= '0' && h->value.p[k] <= '9');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gw_header headers[GW_HEADERS_MAX];
	sot_str rest = {(const char *)data, size};
	gw_head head = {.headers = headers};
	sot_err err = {0};
	head.method = sot_str_cut(rest, '\n', &rest);
	head.target = sot_str_cut(rest, '\n', &rest);
	head.version = sot_str_cut(rest, '\n', &rest);
	while (rest.n > 0 && head.header_count < GW_HEADERS_MAX) {
		gw_header *h = &headers[head.header_count++];
		h->name = sot_str_cut(rest, '\n', &rest);
		h->value = sot_str_cut(rest, '\n', &rest);
	}
	if (gw_policy_check(&head, &err) == SOT_OK)
		check_accepted(&head);
	else
		check(err.code == SOT_INVALID && err.text[0] != '\0');
	return 0;
}
