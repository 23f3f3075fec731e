#include "stock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images.h"
#include "layout.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "watch.h"

enum { ITEMS_MAX = 256, NAME_MAX_BYTES = 256 };

/* An image by its reference, or a package by its digest. */
typedef struct item {
	char name[NAME_MAX_BYTES];
	bool is_package;
	uint64_t size_bytes;
} item;

struct stock {
	agent *a;
	item items[ITEMS_MAX]; /* the first one is under way while busy */
	size_t count;
	bool busy;
	sot_mono begun;
};

stock *stock_new(agent *a)
{
	stock *s = sot_alloc(sizeof(*s));
	s->a = a;
	return s;
}

stock *stock_free(stock *s)
{
	free(s);
	return NULL;
}

static void put(stock *s, const char *name, bool is_package, uint64_t size_bytes)
{
	for (size_t k = 0; k < s->count; k++)
		if (s->items[k].is_package == is_package && strcmp(s->items[k].name, name) == 0)
			return;
	if (s->count == ITEMS_MAX)
		return; /* the scheduler says it again */
	item *i = &s->items[s->count++];
	*i = (item){.is_package = is_package, .size_bytes = size_bytes};
	(void)snprintf(i->name, sizeof(i->name), "%s", name);
}

void stock_take(stock *s, const sot_stock *m)
{
	char name[NAME_MAX_BYTES];
	if (sot_str_copy(m->image, name, sizeof(name), NULL) == SOT_OK)
		put(s, name, false, 0);
	for (size_t k = 0; k < m->packages_count; k++) {
		sot_hex_encode((const uint8_t *)m->packages[k].sha256.p, 32, name);
		put(s, name, true, m->packages[k].size_bytes);
	}
	agent_pump(s->a);
}

static void end(stock *s, sot_code code, const sot_err *why)
{
	long long took_ms = (long long)sot_mono_diff_ms(reactor_now(s->a->loop), s->begun);
	if (code == SOT_OK)
		sot_log(SOT_INFO, "stock.done", "name=%s took_ms=%lld", s->items[0].name, took_ms);
	else /* the scheduler says it again, and what is missing is brought when it is needed */
		sot_log_err(
		    SOT_WARN, "stock.failed", why, "name=%s took_ms=%lld", s->items[0].name, took_ms);
	s->busy = false;
	s->count--;
	memmove(&s->items[0], &s->items[1], s->count * sizeof(s->items[0]));
	agent_pump(s->a);
}

static void on_image(void *self, sot_code code, const sot_err *why)
{
	end(self, code, why);
}

static void on_unpacked(void *self, sot_code code, const sot_err *why)
{
	stock *s = self;
	if (code == SOT_OK)
		container_watch_reread_files(s->a);
	end(s, code, why);
}

static sot_code unpack(stock *s, sot_err *err)
{
	return packages_unpack(s->a->packages, s->items[0].name, on_unpacked, s, err);
}

static void on_fetched(void *self, sot_code code, const sot_err *why)
{
	stock *s = self;
	sot_err err = {0};
	if (code == SOT_OK) {
		code = unpack(s, &err);
		why = &err;
		if (code == SOT_OK)
			return;
	}
	end(s, code, why);
}

/* Whether the package is here. A look keeps it from clean-up, which goes by the time of the folder.
 */
static bool is_unpacked(const stock *s, const char *sha256)
{
	char path[PLAN_PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/packages/%s", s->a->config->state_dir, sha256);
	return utimensat(AT_FDCWD, path, NULL, 0) == 0;
}

static bool has_blob(const stock *s, const char *sha256)
{
	char path[PLAN_PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/packages/.blobs/%s", s->a->config->state_dir, sha256);
	return access(path, F_OK) == 0;
}

static sot_code begin(stock *s, sot_err *err)
{
	const item *i = &s->items[0];
	if (!i->is_package)
		return image_have(s->a, sot_str_c(i->name), on_image, s, err);
	if (has_blob(s, i->name))
		return unpack(s, err);
	return packages_fetch(s->a->packages, i->name, i->size_bytes, on_fetched, s, err);
}

void stock_pump(stock *s)
{
	sot_err err = {0};
	while (!s->busy && s->count > 0 && !s->a->draining && s->a->docker_ok &&
	       s->a->steps_in_flight == 0) {
		s->busy = true;
		s->begun = reactor_now(s->a->loop);
		sot_code code = SOT_OK;
		if (!s->items[0].is_package || !is_unpacked(s, s->items[0].name))
			code = begin(s, &err);
		else
			end(s, SOT_OK, NULL);
		if (code != SOT_OK)
			end(s, code, &err);
	}
}
