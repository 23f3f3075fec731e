/* CURVE keys in files, in the format of czmq's zcert (ZPL, RFC 4).
 *
 * Read by zcert_load; written by sot_file_write, because zcert_save neither syncs nor replaces the
 * file at once, and gives the secret one mode 0600.
 */
#include "bus_internal.h"
#include "sot_file.h"

#include <czmq.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

sot_code bus_keypair_make(bus_keypair *ret, sot_err *err)
{
	bus_keypair keys;
	if (zmq_curve_keypair(keys.public_key, keys.secret_key) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "cannot make a CURVE key pair");
	*ret = keys;
	return SOT_OK;
}

static bool is_key(const char *text)
{
	uint8_t binary[32];
	return strlen(text) == BUS_KEY_TEXT - 1 && zmq_z85_decode(binary, text) != NULL;
}

/* The secret file must be there and nobody else's to read. */
static sot_code check_secret_file(const char *path, sot_err *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return sot_fail_errno(err, errno == ENOENT ? SOT_NOT_FOUND : SOT_UNAVAILABLE, errno,
		    "cannot read the secret key %s", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return sot_fail(err, SOT_INVALID,
		    "the secret key %s is open to others (mode %03o): chmod 0400 it, or make a new key",
		    path, (unsigned)(st.st_mode & 0777));
	return SOT_OK;
}

sot_code bus_keypair_load(const char *path, bus_keypair *ret, sot_err *err)
{
	char secret_path[4096];
	if (snprintf(secret_path, sizeof(secret_path), "%s_secret", path) >= (int)sizeof(secret_path))
		return sot_fail(err, SOT_INVALID, "the path %s is too long", path);
	sot_code code = check_secret_file(secret_path, err);
	if (code != SOT_OK)
		return code;
	zsys_handler_set(NULL); /* czmq must not take SIGINT and SIGTERM from the loop */
	zcert_t *cert = zcert_load(path);
	if (!cert)
		return sot_fail(err, SOT_INVALID, "%s is not a key file (zcert)", secret_path);
	bus_keypair keys = {{0}, {0}};
	snprintf(keys.public_key, sizeof(keys.public_key), "%s", zcert_public_txt(cert));
	snprintf(keys.secret_key, sizeof(keys.secret_key), "%s", zcert_secret_txt(cert));
	zcert_destroy(&cert);
	char derived[BUS_KEY_TEXT];
	if (!is_key(keys.secret_key) || zmq_curve_public(derived, keys.secret_key) != 0 ||
	    strcmp(derived, keys.public_key) != 0)
		code = sot_fail(err, SOT_INVALID, "%s does not hold a matching key pair", secret_path);
	else
		*ret = keys;
	explicit_bzero(&keys, sizeof(keys));
	return code;
}

sot_code bus_keypair_save(const char *path, const bus_keypair *keys, sot_err *err)
{
	char secret_path[4096], text[512];
	if (snprintf(secret_path, sizeof(secret_path), "%s_secret", path) >= (int)sizeof(secret_path))
		return sot_fail(err, SOT_INVALID, "the path %s is too long", path);
	snprintf(text, sizeof(text),
	    "# CURVE secret key. Give this file to nobody.\nmetadata\ncurve\n"
	    "    public-key = \"%s\"\n    secret-key = \"%s\"\n",
	    keys->public_key, keys->secret_key);
	sot_code code = sot_file_write(secret_path, sot_str_c(text), 0400, err);
	explicit_bzero(text, sizeof(text));
	if (code != SOT_OK)
		return code;
	snprintf(text, sizeof(text),
	    "# CURVE public key. Exchange it securely.\nmetadata\ncurve\n    public-key = \"%s\"\n",
	    keys->public_key);
	return sot_file_write(path, sot_str_c(text), 0644, err);
}

sot_code bus_public_key_load(const char *path, char ret[static BUS_KEY_TEXT], sot_err *err)
{
	SOT_AUTO_BUF content;
	sot_buf_init(&content, 256);
	sot_code code = sot_file_read(path, &content, err);
	if (code != SOT_OK)
		return code;
	sot_str text = sot_buf_str(&content);
	while (text.n > 0 && strchr(" \r\n", text.p[text.n - 1]))
		text.n--;
	char key[BUS_KEY_TEXT];
	if (sot_str_copy(text, key, sizeof(key), NULL) != SOT_OK || !is_key(key))
		return sot_fail(
		    err, SOT_INVALID, "%s must hold one public key: 40 characters of Z85", path);
	memcpy(ret, key, BUS_KEY_TEXT);
	return SOT_OK;
}
