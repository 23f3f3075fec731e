#include "ssh_link.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_call.h"
#include "sot_log.h"
#include "ssh_files.h"
#include "ssh_logins.h"

enum {
	FIRST_MS = 500,
	CERTIFICATE_LOOK_MS = 2000,
	CERTIFICATE_AGAIN_MS = 60000,
	ANSWER_MAX = 65536
};

/* Writing the document into all folders, on the thread pool. */
typedef struct writing {
	ssh_link *s; /* NULL: the link is gone */
	char *state_dir;
	sot_buf text;
	struct target {
		sot_uuid id;
		char app[64];
	} * targets;
	size_t count, failed;
	sot_err err;
} writing;

struct ssh_link {
	agent *a;
	ssh_document *document;
	sot_buf text; /* of the document */
	reactor_watch *poll, *look;
	writing *writing; /* under way */
	bool polling, written, asking;
	sot_map
	    *checked; /* instance id -> the generation whose certificate is good; own: checked_item */
	sot_uuid asked_for; /* of the certificate that is asked for */
};

typedef struct checked_item {
	sot_uuid id;
	uint64_t generation;
	int64_t look_unix; /* look again then */
} checked_item;

/* ---- the document into the folders ---- */

static void write_begin(ssh_link *s);

static void writing_free(writing *w)
{
	sot_buf_clear(&w->text);
	free(w->targets);
	free(w->state_dir);
	free(w);
}

static void write_work(void *arg)
{
	writing *w = arg;
	SOT_AUTO(ssh_document) d = NULL;
	if (ssh_document_parse(sot_buf_str(&w->text), &d, &w->err) != SOT_OK) {
		w->failed = w->count;
		return;
	}
	for (size_t i = 0; i < w->count; i++)
		if (ssh_files_apply(
		        w->state_dir, w->targets[i].id, sot_str_c(w->targets[i].app), d, &w->err) != SOT_OK)
			w->failed++;
}

static void write_done(void *arg)
{
	writing *w = arg;
	ssh_link *s = w->s;
	if (s) {
		if (w->failed > 0)
			sot_log_err(SOT_WARN, "ssh.write", &w->err, "failed=%zu of=%zu", w->failed, w->count);
		s->written = w->failed == 0 && sot_str_eq(sot_buf_str(&w->text), sot_buf_str(&s->text));
		s->writing = NULL;
	}
	writing_free(w);
}

/* All instances, each time: what is there already is only compared. */
static void write_begin(ssh_link *s)
{
	writing *w = sot_alloc(sizeof(*w));
	sot_map_iter it = {0};
	w->s = s;
	w->state_dir = sot_strdup(s->a->config->state_dir);
	sot_buf_init(&w->text, SSH_DOCUMENT_MAX);
	sot_buf_add_str(&w->text, sot_buf_str(&s->text));
	w->targets = sot_alloc_array(desired_count(s->a->desired) + 1, sizeof(*w->targets));
	for (desired_instance *i; (i = desired_next(s->a->desired, &it)) != NULL;) {
		struct target *t = &w->targets[w->count++];
		t->id = i->spec.instance_id;
		(void)snprintf(t->app, sizeof(t->app), "%.*s", SOT_ARG(i->spec.app));
	}
	s->writing = w;
	reactor_queue_work(s->a->loop, write_work, write_done, w);
}

static void take_document(ssh_link *s, sot_str text)
{
	ssh_document *d = NULL;
	sot_err err = {0};
	sot_code code = ssh_document_parse(text, &d, &err);
	if (code == SOT_OK &&
	    (code = ssh_files_save_document(s->a->config->state_dir, text, &err)) != SOT_OK)
		d = ssh_document_free(d);
	if (code != SOT_OK) {
		sot_log_err(SOT_WARN, "ssh.document", &err, "effect=kept_the_one_before");
		return;
	}
	sot_log(SOT_INFO, "ssh.document", "version=%s keys=%zu revoked=%zu", d->version, d->key_count,
	    d->serial_count + d->fingerprint_count);
	(void)ssh_document_free(s->document);
	s->document = d;
	sot_buf_reset(&s->text);
	sot_buf_add_str(&s->text, text);
	s->written = false;
}

static void on_polled(void *self, const http_reply *reply)
{
	ssh_link *s = self;
	sot_err err = {0};
	s->polling = false;
	if (gateway_call_fault(reply, 200, 304, &err) != NULL) {
		sot_log_err(SOT_DEBUG, "ssh.poll", &err, "%s", "");
		return;
	}
	if (reply->status == 200)
		take_document(s, reply->body);
	if (!s->written && !s->writing && s->text.n > 0)
		write_begin(s);
	ssh_logins_enforce(s->a->logins, s->document);
}

static void on_poll(void *self, uint64_t missed)
{
	ssh_link *s = self;
	char path[128];
	sot_err err = {0};
	(void)missed;
	reactor_rearm_ms(s->poll, s->a->config->ssh_poll_ms);
	if (s->polling)
		return;
	(void)snprintf(path, sizeof(path), "/v1/ssh/document?have=%s", s->document->version);
	sot_code code =
	    gateway_call(s->a, "GET", path, (sot_str){0}, SSH_DOCUMENT_MAX, on_polled, s, &err);
	s->polling = code == SOT_OK;
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "ssh.poll", &err, "%s", "");
}

/* ---- host certificates ---- */

static checked_item *item_of(ssh_link *s, sot_uuid id)
{
	checked_item *c = sot_map_get_uuid(s->checked, id);
	if (!c) {
		c = sot_alloc(sizeof(*c));
		c->id = id;
		(void)sot_map_set_uuid(s->checked, id, c);
	}
	return c;
}

static void on_certificate(void *self, const http_reply *reply)
{
	ssh_link *s = self;
	desired_instance *i = desired_get(s->a->desired, s->asked_for);
	sot_err err = {0};
	s->asking = false;
	if (gateway_call_fault(reply, 201, 201, &err) != NULL) {
		sot_log_err(SOT_DEBUG, "ssh.host_certificate", &err, "%s", "");
		item_of(s, s->asked_for)->look_unix =
		    reactor_wall(s->a->loop).unix_ms / 1000 + CERTIFICATE_AGAIN_MS / 1000;
		return;
	}
	json_t *object = json_loadb(reply->body.p ? reply->body.p : "", reply->body.n, 0, NULL);
	sot_str line = sot_str_c(json_string_value(json_object_get(object, "certificate")));
	if (i && ssh_files_save_certificate(s->a->config->state_dir, &i->spec, line, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "ssh.host_certificate", &err, "name=%.*s", SOT_ARG(i->spec.name));
	json_decref(object);
	reactor_rearm_ms(s->look, 0); /* the next one */
}

static void ask_certificate(ssh_link *s, sot_uuid id, sot_str public_line)
{
	char text[SOT_UUID_TEXT];
	sot_str rest;
	sot_err err = {0};
	SOT_AUTO_BUF body;
	sot_buf_init(&body, 8192);
	sot_buf_printf(&body, "{\"instance\":\"%s\",\"publicKey\":", sot_uuid_format(id, text));
	sot_buf_add_json(&body, sot_str_cut(public_line, '\n', &rest));
	sot_buf_add_char(&body, '}');
	s->asked_for = id;
	s->asking = gateway_call(s->a, "POST", "/v1/ssh/host-certificates", sot_buf_str(&body),
	                ANSWER_MAX, on_certificate, s, &err) == SOT_OK;
	if (!s->asking)
		sot_log_err(SOT_WARN, "ssh.host_certificate", &err, "%s", "");
}

/* A certificate that was good stays so until its spec changes, or for an hour. */
static bool wants(ssh_link *s, const desired_instance *i, int64_t now_unix, sot_buf *public_line)
{
	checked_item *c = item_of(s, i->spec.instance_id);
	if (c->generation == i->spec.generation && now_unix < c->look_unix)
		return false;
	c->generation = i->spec.generation;
	c->look_unix = now_unix + 3600;
	sot_buf_reset(public_line);
	if (ssh_files_wants_certificate(s->a->config->state_dir, &i->spec, now_unix, public_line))
		return true;
	if (public_line->n == 0)
		c->look_unix = 0; /* its folder is not made yet */
	return false;
}

/* The first that needs one; few do, and each answer looks for the next. */
static void on_look(void *self, uint64_t missed)
{
	ssh_link *s = self;
	sot_map_iter it = {0};
	SOT_AUTO_BUF line;
	sot_buf_init(&line, 8192);
	(void)missed;
	reactor_rearm_ms(s->look, CERTIFICATE_LOOK_MS);
	if (s->asking || s->document->version[0] == '\0')
		return;
	int64_t now_unix = reactor_wall(s->a->loop).unix_ms / 1000;
	for (desired_instance *i; (i = desired_next(s->a->desired, &it)) != NULL;)
		if (i->spec.desired != SOT_DESIRED_STATE_RETIRED && wants(s, i, now_unix, &line)) {
			ask_certificate(s, i->spec.instance_id, sot_buf_str(&line));
			return;
		}
}

const ssh_document *ssh_link_document(const ssh_link *s)
{
	return s->document;
}

ssh_link *ssh_link_new(agent *a)
{
	ssh_link *s = sot_alloc(sizeof(*s));
	s->a = a;
	s->checked = sot_map_new();
	sot_buf_init(&s->text, SSH_DOCUMENT_MAX);
	if (ssh_files_load_document(a->config->state_dir, &s->document, NULL) != SOT_OK)
		s->document = ssh_document_new();
	s->document->version[0] = '\0'; /* asked for and written anew once per start */
	s->poll = reactor_after_ms(a->loop, FIRST_MS, on_poll, s);
	s->look = reactor_after_ms(a->loop, CERTIFICATE_LOOK_MS, on_look, s);
	return s;
}

ssh_link *ssh_link_free(ssh_link *s)
{
	sot_map_iter it = {0};
	if (!s)
		return NULL;
	if (s->writing)
		s->writing->s = NULL;
	for (checked_item *c; (c = sot_map_next(s->checked, &it, NULL)) != NULL;)
		free(c);
	(void)sot_map_free(s->checked);
	reactor_remove(s->poll);
	reactor_remove(s->look);
	sot_buf_clear(&s->text);
	(void)ssh_document_free(s->document);
	free(s);
	return NULL;
}
