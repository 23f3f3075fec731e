#include "gateways.h"

#include <stdlib.h>
#include <string.h>

enum { GATEWAYS_MAX = 8 };

struct gateways {
	char *urls[GATEWAYS_MAX];
	size_t count, at;
};

static sot_str trimmed(sot_str s)
{
	while (s.n > 0 && s.p[0] == ' ') {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '/'))
		s.n--;
	return s;
}

sot_code gateways_new(const char *urls, uint64_t seed, gateways **ret, sot_err *err)
{
	gateways *g = sot_alloc(sizeof(*g));
	sot_str rest = sot_str_c(urls);

	do {
		sot_str url = trimmed(sot_str_cut(rest, ',', &rest));
		if (url.n == 0 || g->count == GATEWAYS_MAX) {
			gateways_free(g);
			return sot_fail(err, SOT_INVALID,
			    "gateway_url: 1 to %d addresses with commas between, none of them empty",
			    GATEWAYS_MAX);
		}
		g->urls[g->count++] = sot_strndup(url);
	} while (rest.n > 0);
	g->at = (size_t)(seed % g->count);
	*ret = g;
	return SOT_OK;
}

gateways *gateways_free(gateways *g)
{
	for (size_t k = 0; g && k < g->count; k++)
		free(g->urls[k]);
	free(g);
	return NULL;
}

const char *gateways_url(const gateways *g)
{
	return g->urls[g->at];
}

void gateways_failed(gateways *g, const char *url)
{
	if (url == g->urls[g->at])
		g->at = (g->at + 1) % g->count;
}
