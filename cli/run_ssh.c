/* Log-ins: a key of this machine, a certificate from the gateway, then the ssh of the system. */
#include "cli.h"

#include "sot_file.h"
#include "sot_parse.h"
#include "sot_ssh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, FILE_SIZE_MAX = 65536, SSH_ARGS = 24 };

/* What one instance and account is reached with. */
typedef struct target {
	char name[64], address[64], account[16];
	char certificate[PATH_SIZE], known_hosts[PATH_SIZE], key[PATH_SIZE];
} target;

static bool find_folder(char dst[PATH_SIZE])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	sot_err err = {0};
	if (config != NULL && config[0] == '/')
		(void)snprintf(dst, PATH_SIZE - 200, "%s/sotalia/ssh", config);
	else if (home != NULL && home[0] == '/')
		(void)snprintf(dst, PATH_SIZE - 200, "%s/.config/sotalia/ssh", home);
	else
		(void)snprintf(dst, PATH_SIZE, "%s", "");
	if (dst[0] != '\0' && sot_mkdirs(dst, 0700, &err) == SOT_OK)
		return true;
	cli_say("error: no folder for the key: %s", dst[0] != '\0' ? err.text : "HOME is not set");
	return false;
}

/* The public line, LF behind it; the pair is made when there is none. The public half comes first:
 * with the private one the pair is whole. */
static bool own_key(const char *path, sot_buf *ret_public)
{
	char public_path[PATH_SIZE + 8];
	sot_ssh_key key;
	sot_err err = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_SIZE_MAX);
	sot_code code = sot_file_read(path, &text, &err);
	bool is_new = code == SOT_NOT_FOUND;
	if (is_new) {
		sot_ssh_key_make(&key);
		sot_ssh_key_render(&key, SOT_STR("sotalia"), &text);
		code = SOT_OK;
	} else if (code == SOT_OK) {
		code = sot_ssh_key_parse(sot_buf_str(&text), &key, &err);
	}
	if (code == SOT_OK) {
		sot_ssh_public_render(key.public_key, SOT_STR("sotalia"), ret_public);
		sot_buf_add_char(ret_public, '\n');
	}
	(void)snprintf(public_path, sizeof(public_path), "%s.pub", path);
	if (code == SOT_OK && is_new)
		code = sot_file_write(public_path, sot_buf_str(ret_public), 0644, &err);
	if (code == SOT_OK && is_new)
		code = sot_file_write(path, sot_buf_str(&text), 0600, &err);
	sot_ssh_key_clear(&key);
	if (code != SOT_OK)
		cli_say("error: %s: %s; remove the file to have a new key made", path, err.text);
	return code == SOT_OK;
}

/* One line for each authority: whoever it vouches for is the instance of that name. */
static bool write_known_hosts(const char *path, const json_t *authorities)
{
	sot_err err = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_SIZE_MAX);
	for (size_t i = 0; i < json_array_size(authorities); i++)
		sot_buf_printf(
		    &text, "@cert-authority * %s\n", json_string_value(json_array_get(authorities, i)));
	if (sot_file_write(path, sot_buf_str(&text), 0644, &err) == SOT_OK)
		return true;
	cli_say("error: %s", err.text);
	return false;
}

static bool write_certificate(const char *path, const char *line)
{
	sot_err err = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_SIZE_MAX);
	sot_buf_printf(&text, "%s\n", line);
	if (sot_file_write(path, sot_buf_str(&text), 0644, &err) == SOT_OK)
		return true;
	cli_say("error: %s", err.text);
	return false;
}

static json_t *certificate_body(const cli_call *call, const char *instance, const char *public_line)
{
	json_t *body = json_pack("{s:s, s:s}", "instance", instance, "publicKey", public_line);
	const char *minutes = cli_option_of(call, "minutes", 0);
	if (cli_set_text(body, call, "as", "account", "admin") &&
	    cli_set_number(body, "--minutes", "minutes", minutes))
		return body;
	json_decref(body);
	return NULL;
}

/* Names of files are made of the answer's name, which is a label. */
static bool keep_answer(const char *folder, const json_t *answer, target *t)
{
	(void)snprintf(t->name, sizeof(t->name), "%s", cli_text_at(answer, "instance"));
	(void)snprintf(t->address, sizeof(t->address), "%s", cli_text_at(answer, "address"));
	(void)snprintf(t->account, sizeof(t->account), "%s", cli_text_at(answer, "account"));
	if (!sot_is_label(sot_str_c(t->name), 63) || t->address[0] == '\0') {
		cli_say("error: '%s' has no address to log in to yet", t->name);
		return false;
	}
	(void)snprintf(t->certificate, sizeof(t->certificate), "%.900s/%s-%s-cert.pub", folder, t->name,
	    t->account);
	(void)snprintf(t->known_hosts, sizeof(t->known_hosts), "%.900s/known_hosts", folder);
	return write_known_hosts(t->known_hosts, json_object_get(answer, "hostCa")) &&
	       write_certificate(t->certificate, cli_text_at(answer, "certificate"));
}

/* CLI_OK: everything that ssh needs is in files. */
static cli_exit prepare(const cli_call *call, const char *instance, target *t)
{
	char folder[PATH_SIZE];
	cli_reply reply = {0};
	cli_request q = {.method = "POST", .path = call->command->path};
	SOT_AUTO_BUF public_line;
	sot_buf_init(&public_line, 4096);
	if (!find_folder(folder))
		return CLI_FAILED;
	(void)snprintf(t->key, sizeof(t->key), "%.900s/id_ed25519", folder);
	if (!own_key(t->key, &public_line))
		return CLI_FAILED;
	sot_buf_add_char(&public_line, '\0');
	json_t *body = certificate_body(call, instance, public_line.p);
	if (body == NULL)
		return CLI_USAGE;
	q.json = body;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && !keep_answer(folder, reply.json, t))
		result = CLI_FAILED;
	cli_reply_clear(&reply);
	json_decref(body);
	return result;
}

/* Commands are words: the far shell sees each as it was typed here. */
void cli_add_quoted(sot_buf *out, const char *word)
{
	sot_buf_add_char(out, '\'');
	for (; *word != '\0'; word++)
		if (*word == '\'')
			sot_buf_add_c(out, "'\\''");
		else
			sot_buf_add_char(out, *word);
	sot_buf_add_char(out, '\'');
}

/* One word is a line for the far shell, as ssh takes it; several are a command and its arguments.
 */
void cli_far_command(const cli_call *call, sot_buf *out)
{
	if (call->rest_count == 1)
		sot_buf_add_c(out, call->rest[0]);
	for (size_t i = 0; call->rest_count > 1 && i < call->rest_count; i++) {
		if (i > 0)
			sot_buf_add_char(out, ' ');
		cli_add_quoted(out, call->rest[i]);
	}
	sot_buf_add_char(out, '\0');
}

static void become_ssh(const target *t, const char *command)
{
	char certificate[PATH_SIZE + 32], known[PATH_SIZE + 32], alias[128];
	const char *argv[SSH_ARGS] = {"ssh", "-F", "none", "-i", t->key, "-o", certificate, "-o", known,
	    "-o", alias, "-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes", "-o",
	    "IdentitiesOnly=yes", "-l", t->account, t->address};
	(void)snprintf(certificate, sizeof(certificate), "CertificateFile=\"%s\"", t->certificate);
	(void)snprintf(known, sizeof(known), "UserKnownHostsFile=\"%s\"", t->known_hosts);
	(void)snprintf(alias, sizeof(alias), "HostKeyAlias=%s", t->name);
	if (command[0] != '\0') {
		argv[20] = "--";
		argv[21] = command;
	}
	execvp("ssh", (char *const *)(uintptr_t)argv);
}

cli_exit run_ssh(const cli_call *call)
{
	target t;
	SOT_AUTO_BUF command;
	sot_buf_init(&command, 1024 * 1024);
	cli_exit result = prepare(call, call->args[0], &t);
	if (result != CLI_OK)
		return result;
	cli_far_command(call, &command);
	become_ssh(&t, command.p != NULL ? command.p : "");
	cli_say("error: ssh: %s; install the OpenSSH client", strerror(errno));
	return CLI_FAILED;
}

cli_exit run_ssh_config(const cli_call *call)
{
	for (size_t i = 0; i < call->arg_count; i++) {
		target t;
		cli_exit result = prepare(call, call->args[i], &t);
		if (result != CLI_OK)
			return result;
		printf("Host %s\n    HostName %s\n    User %s\n    IdentityFile \"%s\"\n    "
		       "CertificateFile \"%s\"\n"
		       "    IdentitiesOnly yes\n    HostKeyAlias %s\n    UserKnownHostsFile \"%s\"\n"
		       "    GlobalKnownHostsFile none\n    StrictHostKeyChecking yes\n",
		    t.name, t.address, t.account, t.key, t.certificate, t.name, t.known_hosts);
	}
	return CLI_OK;
}

/* ---- keys ---- */

cli_exit run_key_add(const cli_call *call)
{
	sot_err err = {0};
	SOT_AUTO_BUF text;
	sot_str rest;
	sot_buf_init(&text, FILE_SIZE_MAX);
	if (sot_file_read(call->args[0], &text, &err) != SOT_OK) {
		cli_say("error: %s", err.text);
		return CLI_USAGE;
	}
	sot_str line = sot_str_cut(sot_buf_str(&text), '\n', &rest);
	json_t *body = json_pack("{s:s%}", "publicKey", line.p != NULL ? line.p : "", line.n);
	if (body == NULL) {
		cli_say("error: %s is no .pub file", call->args[0]);
		return CLI_USAGE;
	}
	bool right = cli_set_text(body, call, "app", "app", NULL) &&
	             cli_set_text(body, call, "instance", "instance", NULL) &&
	             cli_set_text(body, call, "person", "person", NULL) &&
	             cli_set_text(body, call, "as", "account", "admin");
	return cli_send_if(call, right, "POST", body);
}

static void say_ended(const cli_call *call, const json_t *answer)
{
	if (cli_is_data(call))
		cli_print_data(call, answer);
	else
		cli_say("ended: %lld certificates, %lld keys; their sessions follow within a minute",
		    (long long)json_integer_value(json_object_get(answer, "certificates")),
		    (long long)json_integer_value(json_object_get(answer, "keys")));
}

/* `key remove` by its path, `key revoke` by a body. */
cli_exit run_revocation(const cli_call *call)
{
	char *path = cli_path(call->command->path, call->args, call->arg_count);
	cli_request q = {.method = call->command->method, .path = path};
	cli_reply reply = {0};
	json_t *body = strcmp(q.method, "POST") == 0 ? json_object() : NULL;
	cli_exit result = CLI_USAGE;
	bool right = body == NULL ||
	             cli_set_number(body, "--serial", "serial", cli_option_of(call, "serial", 0));
	if (right && body != NULL && call->arg_count == 1)
		right = json_object_set_new(body, "person", json_string(call->args[0])) == 0;
	q.json = body;
	if (right)
		result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		say_ended(call, reply.json);
	cli_reply_clear(&reply);
	json_decref(body);
	free(path);
	return result;
}
