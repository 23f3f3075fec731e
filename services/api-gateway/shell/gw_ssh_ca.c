#include "gw_ssh_ca.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sot_file.h"

enum { PATH_SIZE = 640, FILE_SIZE_MAX = 65536 };

static void path_of(char dst[PATH_SIZE], const char *dir, const char *name, const char *ending)
{
	(void)snprintf(dst, PATH_SIZE, "%s/%s%s", dir, name, ending);
}

/* Only lines that are keys of a CA: a wrong one would be refused by every sshd. */
static sot_code add_also(const char *path, sot_buf *lines, sot_err *err)
{
	SOT_AUTO_BUF text;
	sot_ssh_public key;
	uint8_t raw[SOT_SSH_PUBLIC_N];
	sot_buf_init(&text, FILE_SIZE_MAX);
	sot_code code = sot_file_read(path, &text, err);
	if (code == SOT_NOT_FOUND)
		return SOT_OK;
	for (sot_str rest = sot_buf_str(&text); code == SOT_OK && rest.n > 0;) {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		code = sot_ssh_public_parse(line, &key, err);
		if (code == SOT_OK)
			code = sot_ssh_public_ed25519(&key, raw, err);
		sot_buf_printf(lines, "%.*s\n", SOT_ARG(line));
	}
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "%s", path);
}

static sot_code load(
    const char *dir, const char *name, sot_ssh_key *key, sot_buf *lines, sot_err *err)
{
	char path[PATH_SIZE];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_SIZE_MAX);
	path_of(path, dir, name, "");
	sot_code code = sot_file_read(path, &text, err);
	if (code == SOT_OK && (code = sot_ssh_key_parse(sot_buf_str(&text), key, err)) != SOT_OK)
		(void)sot_wrap(err, "%s", path);
	if (text.n > 0)
		explicit_bzero(text.p, text.n);
	if (code != SOT_OK)
		return code;
	sot_ssh_public_render(key->public_key, sot_str_c(name), lines);
	sot_buf_add_char(lines, '\n');
	path_of(path, dir, name, ".also");
	return add_also(path, lines, err);
}

sot_code gw_ssh_ca_load(const char *dir, gw_ssh_ca *ret, sot_err *err)
{
	*ret = (gw_ssh_ca){.user = {.secret = {0}}};
	sot_buf_init(&ret->user_lines, FILE_SIZE_MAX);
	sot_buf_init(&ret->host_lines, FILE_SIZE_MAX);
	if (*dir == '\0')
		return sot_fail(err, SOT_UNAVAILABLE,
		    "this gateway has no ssh certificate authority; set ssh_dir and make one with "
		    "--make-ssh-ca");
	sot_code code = load(dir, "user_ca", &ret->user, &ret->user_lines, err);
	if (code == SOT_OK)
		code = load(dir, "host_ca", &ret->host, &ret->host_lines, err);
	/* To the caller it is all one: the gateway cannot sign now. */
	return code == SOT_OK ? SOT_OK : sot_fail(err, SOT_UNAVAILABLE, "%s", err->text);
}

void gw_ssh_ca_clear(gw_ssh_ca *ca)
{
	sot_ssh_key_clear(&ca->user);
	sot_ssh_key_clear(&ca->host);
	sot_buf_clear(&ca->user_lines);
	sot_buf_clear(&ca->host_lines);
}

static sot_code make(const char *dir, const char *name, sot_err *err)
{
	char path[PATH_SIZE];
	sot_ssh_key key;
	SOT_AUTO_BUF text, line;
	sot_buf_init(&text, FILE_SIZE_MAX);
	sot_buf_init(&line, FILE_SIZE_MAX);
	path_of(path, dir, name, "");
	if (access(path, F_OK) == 0)
		return SOT_OK;
	sot_ssh_key_make(&key);
	sot_ssh_key_render(&key, sot_str_c(name), &text);
	sot_ssh_public_render(key.public_key, sot_str_c(name), &line);
	sot_buf_add_char(&line, '\n');
	sot_code code = sot_file_write(path, sot_buf_str(&text), 0400, err);
	path_of(path, dir, name, ".pub");
	if (code == SOT_OK)
		code = sot_file_write(path, sot_buf_str(&line), 0444, err);
	sot_ssh_key_clear(&key);
	if (text.n > 0)
		explicit_bzero(text.p, text.n);
	return code;
}

sot_code gw_ssh_ca_make(const char *dir, sot_err *err)
{
	if (*dir == '\0')
		return sot_fail(err, SOT_INVALID, "ssh_dir is not set: where shall the keys lie?");
	sot_code code = sot_mkdirs(dir, 0700, err);
	if (code == SOT_OK)
		code = make(dir, "user_ca", err);
	return code == SOT_OK ? make(dir, "host_ca", err) : code;
}

void gw_ssh_ca_json(const sot_buf *lines, sot_buf *out)
{
	char before = '[';
	for (sot_str rest = sot_buf_str(lines); rest.n > 0; before = ',') {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		sot_buf_add_char(out, before);
		sot_buf_add_json(out, line);
	}
	if (before == '[')
		sot_buf_add_char(out, '[');
	sot_buf_add_char(out, ']');
}
