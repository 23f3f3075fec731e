#include "images.h"

#include <stdlib.h>
#include <string.h>

#include "docker_json.h"
#include "docker_junk.h"
#include "sot_failpoint.h"

enum { INSPECT_MS = 5000, PULL_MS = 300000, PULL_BODY_MAX = 8 * 1024 * 1024 };

typedef struct wish {
	agent *a;
	sot_str reference;
	image_done_fn done;
	void *self;
	sot_err err;
} wish;

static void end(wish *w, sot_code code, const sot_err *why)
{
	w->done(w->self, code, why ? why : &w->err);
	free(w);
}

/* A reference holds ':' and '/', which a query and a path take as they are; all else outside the
 * unreserved characters is escaped. */
static void add_escaped(sot_buf *out, sot_str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		             strchr("-._~/:@", c);
		if (plain && c != '\0')
			sot_buf_add_char(out, (char)c);
		else
			sot_buf_printf(out, "%%%02X", c);
	}
}

static void on_pulled(void *self, const docker_reply *reply)
{
	wish *w = self;
	sot_code code = reply->code;
	if (code == SOT_OK)
		code = docker_json_pull(reply->body, &w->err);
	else
		w->err = *reply->why;
	end(w, code, &w->err);
}

static sot_code pull(wish *w, sot_err *err)
{
	SOT_AUTO_BUF path;
	sot_str image = w->reference;
	const char *slash = memrchr(image.p, '/', image.n);
	const char *tail = slash ? slash : image.p;
	bool tagged =
	    memchr(tail, ':', image.n - (size_t)(tail - image.p)) || memchr(image.p, '@', image.n);
	SOT_FAILPOINT("hostagent.image.before_pull", err);
	sot_buf_init(&path, 1024);
	sot_buf_add_c(&path, "/images/create?fromImage=");
	add_escaped(&path, image);
	if (!tagged) /* otherwise the Engine would pull all tags */
		sot_buf_add_c(&path, "&tag=latest");
	docker_request q = {
	    .method = "POST", .path = path.p, .deadline_ms = PULL_MS, .body_max = PULL_BODY_MAX};
	return docker_send(w->a->docker, &q, on_pulled, w, err);
}

static void on_inspected(void *self, const docker_reply *reply)
{
	wish *w = self;
	if (reply->code != SOT_NOT_FOUND) {
		end(w, reply->code, reply->why);
		return;
	}
	sot_code code = pull(w, &w->err);
	if (code != SOT_OK)
		end(w, code, &w->err);
}

sot_code image_have(agent *a, sot_str reference, image_done_fn done, void *self, sot_err *err)
{
	SOT_AUTO_BUF path;
	wish *w = sot_alloc(sizeof(*w));
	*w = (wish){.a = a, .reference = reference, .done = done, .self = self};
	docker_junk_needs(a->junk, reference);
	sot_buf_init(&path, 1024);
	sot_buf_add_c(&path, "/images/");
	add_escaped(&path, reference);
	sot_buf_add_c(&path, "/json");
	docker_request q = {.method = "GET", .path = path.p, .deadline_ms = INSPECT_MS};
	sot_code code = docker_send(a->docker, &q, on_inspected, w, err);
	if (code != SOT_OK)
		free(w);
	return code;
}
