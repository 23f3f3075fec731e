#include "ssh_files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sot_file.h"
#include "sot_ssh.h"

enum { FILE_MAX = 4 * 1024 * 1024, KEY_FILE_MAX = 16384 };

static const char host_key[] = "ssh_host_ed25519_key";

static void path_of(
    char dst[static PLAN_PATH_MAX], const char *state_dir, sot_uuid id, const char *name)
{
	char text[SOT_UUID_TEXT];
	(void)snprintf(
	    dst, PLAN_PATH_MAX, "%s/instances/%s/%s", state_dir, sot_uuid_format(id, text), name);
}

static sot_code make_folders(const char *state_dir, sot_uuid id, sot_err *err)
{
	static const char *const folders[] = {"ssh/principals", "ssh/keys", "logins"};
	char path[PLAN_PATH_MAX];
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		path_of(path, state_dir, id, folders[i]);
		sot_code code = sot_mkdirs(path, 0755, err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

/* Writes what differs. */
static sot_code keep(const char *state_dir, sot_uuid id, const char *name, const sot_buf *content,
    unsigned mode, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF present;
	sot_buf_init(&present, SSH_DOCUMENT_MAX);
	if (sot_buf_failed(content))
		return sot_fail(err, SOT_LIMIT, "%s would be too long", name);
	path_of(path, state_dir, id, name);
	if (sot_file_read(path, &present, NULL) == SOT_OK &&
	    sot_str_eq(sot_buf_str(&present), sot_buf_str(content)))
		return SOT_OK;
	return sot_file_write(path, sot_buf_str(content), mode, err);
}

static sot_code keep_spec(const char *state_dir, const sot_instance_spec *spec, sot_err *err)
{
	char name[64];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_MAX);
	ssh_plan_config(&text);
	sot_code code = keep(state_dir, spec->instance_id, "ssh/sshd_config", &text, 0644, err);
	for (size_t i = 0; code == SOT_OK && i < SSH_ACCOUNTS; i++) {
		sot_buf_reset(&text);
		ssh_plan_principals(spec, ssh_accounts[i], &text);
		(void)snprintf(name, sizeof(name), "ssh/principals/%s", ssh_accounts[i]);
		code = keep(state_dir, spec->instance_id, name, &text, 0644, err);
	}
	return code;
}

/* The public half first: with the private one the pair is complete. */
static sot_code make_host_key(const char *state_dir, sot_uuid id, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	sot_ssh_key key;
	SOT_AUTO_BUF text, line;
	sot_buf_init(&text, KEY_FILE_MAX);
	sot_buf_init(&line, KEY_FILE_MAX);
	path_of(path, state_dir, id, "ssh/ssh_host_ed25519_key");
	if (access(path, F_OK) == 0)
		return SOT_OK;
	sot_ssh_key_make(&key);
	sot_ssh_key_render(&key, SOT_STR("instance"), &text);
	sot_ssh_public_render(key.public_key, (sot_str){0}, &line);
	sot_ssh_key_clear(&key);
	sot_buf_add_char(&line, '\n');
	sot_code code = keep(state_dir, id, "ssh/ssh_host_ed25519_key.pub", &line, 0644, err);
	if (code == SOT_OK)
		code = sot_file_write(path, sot_buf_str(&text), 0600, err);
	if (text.n > 0)
		explicit_bzero(text.p, text.n);
	return code;
}

static sot_code write_document(
    const char *state_dir, sot_uuid id, sot_str app, const ssh_document *d, sot_err *err)
{
	char name[64];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_MAX);
	sot_code code = keep(state_dir, id, "ssh/user_ca.pub", &d->user_ca, 0644, err);
	for (size_t i = 0; code == SOT_OK && i < SSH_ACCOUNTS; i++) {
		sot_buf_reset(&text);
		ssh_plan_keys(id, app, ssh_accounts[i], d->keys, d->key_count, &text);
		(void)snprintf(name, sizeof(name), "ssh/keys/%s", ssh_accounts[i]);
		code = keep(state_dir, id, name, &text, 0644, err);
	}
	return code == SOT_OK ? keep(state_dir, id, "ssh/krl", &d->krl, 0644, err) : code;
}

sot_code ssh_files_make(const char *state_dir, const sot_instance_spec *spec, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	sot_code code = make_folders(state_dir, spec->instance_id, err);
	if (code == SOT_OK)
		code = keep_spec(state_dir, spec, err);
	if (code == SOT_OK)
		code = make_host_key(state_dir, spec->instance_id, err);
	if (code != SOT_OK)
		return sot_wrap(err, "ssh");
	path_of(path, state_dir, spec->instance_id, "ssh/krl");
	if (access(path, F_OK) == 0)
		return SOT_OK; /* written by ssh_files_apply from now on */
	SOT_AUTO(ssh_document) d = NULL;
	if (ssh_files_load_document(state_dir, &d, NULL) != SOT_OK)
		d = ssh_document_new();
	code = write_document(state_dir, spec->instance_id, spec->app, d, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "ssh");
}

sot_code ssh_files_apply(
    const char *state_dir, sot_uuid id, sot_str app, const ssh_document *d, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	path_of(path, state_dir, id, "ssh/krl");
	return access(path, F_OK) == 0 ? write_document(state_dir, id, app, d, err) : SOT_OK;
}

/* ---- the document on disk ---- */

sot_code ssh_files_load_document(const char *state_dir, ssh_document **ret, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, SSH_DOCUMENT_MAX);
	(void)snprintf(path, sizeof(path), "%s/ssh.json", state_dir);
	sot_code code = sot_file_read(path, &text, err);
	if (code == SOT_OK && (code = ssh_document_parse(sot_buf_str(&text), ret, err)) == SOT_INVALID)
		code = sot_fail(err, SOT_NOT_FOUND, "%s is damaged; it is asked for again", path);
	return code;
}

sot_code ssh_files_save_document(const char *state_dir, sot_str text, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/ssh.json", state_dir);
	return sot_file_write(path, text, 0600, err);
}

/* ---- the host certificate ---- */

static bool read_line(const char *state_dir, sot_uuid id, const char *ending, sot_buf *out)
{
	char path[PLAN_PATH_MAX], name[96];
	(void)snprintf(name, sizeof(name), "ssh/%s%s", host_key, ending);
	path_of(path, state_dir, id, name);
	return sot_file_read(path, out, NULL) == SOT_OK && out->n > 0;
}

static bool certificate_fits(
    const sot_instance_spec *spec, sot_str line, sot_str public_line, int64_t now_unix)
{
	sot_ssh_certificate_facts f;
	sot_ssh_public key;
	uint8_t own[SOT_SSH_PUBLIC_N];
	SOT_AUTO_BUF names;
	sot_buf_init(&names, 1024);
	ssh_plan_host_principals(spec, &names);
	return sot_ssh_certificate_parse(line, &f, NULL) == SOT_OK &&
	       sot_ssh_public_parse(public_line, &key, NULL) == SOT_OK &&
	       sot_ssh_public_ed25519(&key, own, NULL) == SOT_OK &&
	       memcmp(own, f.subject, sizeof(own)) == 0 &&
	       sot_str_eq_c(sot_buf_str(&names), f.principals) &&
	       now_unix < f.valid_after_unix + (f.valid_before_unix - f.valid_after_unix) / 2;
}

bool ssh_files_wants_certificate(
    const char *state_dir, const sot_instance_spec *spec, int64_t now_unix, sot_buf *out)
{
	SOT_AUTO_BUF line;
	sot_buf_init(&line, KEY_FILE_MAX);
	if (!read_line(state_dir, spec->instance_id, ".pub", out))
		return false; /* not made yet */
	return !read_line(state_dir, spec->instance_id, "-cert.pub", &line) ||
	       !certificate_fits(spec, sot_buf_str(&line), sot_buf_str(out), now_unix);
}

sot_code ssh_files_save_certificate(
    const char *state_dir, const sot_instance_spec *spec, sot_str line, sot_err *err)
{
	sot_ssh_certificate_facts f;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, KEY_FILE_MAX);
	sot_code code = sot_ssh_certificate_parse(line, &f, err);
	if (code == SOT_OK && f.kind != SOT_SSH_HOST)
		code = sot_fail(err, SOT_INVALID, "the gateway sent a certificate that is not a host's");
	if (code != SOT_OK)
		return code;
	sot_buf_printf(&text, "%.*s\n", SOT_ARG(line));
	return keep(
	    state_dir, spec->instance_id, "ssh/ssh_host_ed25519_key-cert.pub", &text, 0644, err);
}
