#include "ssh_document.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sot_ssh.h"

enum { CA_LINES_MAX = 65536 };

ssh_document *ssh_document_new(void)
{
	ssh_document *d = sot_alloc(sizeof(*d));
	sot_ssh_krl none = {.version = 0};
	sot_buf_init(&d->user_ca, CA_LINES_MAX);
	sot_buf_init(&d->krl, SSH_DOCUMENT_MAX);
	sot_ssh_krl_render(&none, &d->krl);
	return d;
}

ssh_document *ssh_document_free(ssh_document *d)
{
	if (!d)
		return NULL;
	sot_buf_clear(&d->user_ca);
	sot_buf_clear(&d->krl);
	json_decref(d->json);
	free(d->keys);
	free(d->serials);
	free(d->fingerprints);
	free(d);
	return NULL;
}

static sot_str text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_string(value) ? (sot_str){json_string_value(value), json_string_length(value)}
	                             : (sot_str){0};
}

/* No text may begin a line of its own in a file that sshd reads. */
static bool is_line(sot_str s)
{
	return s.n > 0 && !memchr(s.p, '\n', s.n) && !memchr(s.p, '\r', s.n);
}

static bool read_authorities(ssh_document *d, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *line = json_string_value(json_array_get(list, i));
		sot_ssh_public key;
		if (!line || sot_ssh_public_parse(sot_str_c(line), &key, NULL) != SOT_OK)
			return false;
		sot_buf_printf(&d->user_ca, "%s\n", line);
	}
	return json_is_array(list) && !sot_buf_failed(&d->user_ca);
}

static bool read_krl(ssh_document *d, sot_str base64)
{
	size_t n = 0;
	unsigned char *bytes = sot_alloc(base64.n + 1);
	bool ok = base64.n > 0 && sodium_base642bin(bytes, base64.n, base64.p, base64.n, NULL, &n, NULL,
	                              sodium_base64_VARIANT_ORIGINAL) == 0;
	sot_buf_reset(&d->krl);
	if (ok)
		sot_buf_add(&d->krl, bytes, n);
	free(bytes);
	return ok && n >= 8 && memcmp(d->krl.p, "SSHKRL\n", 8) == 0;
}

static bool read_keys(ssh_document *d, const json_t *list)
{
	d->key_count = json_array_size(list);
	d->keys = sot_alloc_array(d->key_count + 1, sizeof(*d->keys));
	for (size_t i = 0; i < d->key_count; i++) {
		const json_t *item = json_array_get(list, i);
		ssh_plan_key *k = &d->keys[i];
		sot_ssh_public key;
		*k =
		    (ssh_plan_key){text_of(item, "scope"), text_of(item, "account"), text_of(item, "line")};
		if (!is_line(k->line) || sot_ssh_public_parse(k->line, &key, NULL) != SOT_OK)
			return false;
	}
	return json_is_array(list);
}

static bool read_revoked(ssh_document *d, const json_t *serials, const json_t *fingerprints)
{
	d->serial_count = json_array_size(serials);
	d->serials = sot_alloc_array(d->serial_count + 1, sizeof(*d->serials));
	for (size_t i = 0; i < d->serial_count; i++)
		d->serials[i] = (uint64_t)json_integer_value(json_array_get(serials, i));
	d->fingerprint_count = json_array_size(fingerprints);
	d->fingerprints = sot_alloc_array(d->fingerprint_count + 1, sizeof(*d->fingerprints));
	for (size_t i = 0; i < d->fingerprint_count; i++) {
		sot_str text = sot_str_c(json_string_value(json_array_get(fingerprints, i)));
		if (sot_str_copy(text, d->fingerprints[i], SSH_FINGERPRINT_MAX, NULL) != SOT_OK)
			return false;
	}
	return json_is_array(serials) && json_is_array(fingerprints);
}

sot_code ssh_document_parse(sot_str text, ssh_document **ret, sot_err *err)
{
	SOT_AUTO(ssh_document) d = ssh_document_new();
	json_t *object = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
	d->json = object;
	if (!object ||
	    sot_str_copy(text_of(object, "version"), d->version, SSH_VERSION_MAX, err) != SOT_OK ||
	    d->version[0] == '\0' || !read_authorities(d, json_object_get(object, "userCa")) ||
	    !read_krl(d, text_of(object, "krl")) || !read_keys(d, json_object_get(object, "keys")) ||
	    !read_revoked(d, json_object_get(object, "revokedSerials"),
	        json_object_get(object, "revokedFingerprints")))
		return sot_fail(err, SOT_INVALID, "the gateway's ssh document is not whole");
	*ret = SOT_TAKE(d);
	return SOT_OK;
}

bool ssh_document_revokes(const ssh_document *d, uint64_t serial, const char *fingerprint)
{
	for (size_t i = 0; serial > 0 && i < d->serial_count; i++)
		if (d->serials[i] == serial)
			return true;
	for (size_t i = 0; i < d->fingerprint_count; i++)
		if (strcmp(d->fingerprints[i], fingerprint) == 0)
			return true;
	return false;
}
