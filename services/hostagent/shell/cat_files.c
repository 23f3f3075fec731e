#include "cat_files.h"

#include "sot_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_PORT 2280
#define HTTP_PORT 8080
#define DOCUMENT_MAX 8192
#define NEW_NAME ".client.xml.new"

static sot_code read_port(sot_str text, uint64_t otherwise, uint64_t *ret)
{
	*ret = otherwise;
	return text.n == 0 ? SOT_OK : sot_parse_u64(text, 1, 65535, ret, NULL);
}

static sot_code add_server(sot_str server, sot_buf *out, sot_err *err)
{
	sot_str rest;
	uint32_t address;
	uint64_t port, http_port;
	char ip[16];
	sot_str host = sot_str_cut(server, ':', &rest);
	sot_str port_text = sot_str_cut(rest, ':', &rest);
	if (sot_parse_ipv4(host, &address, NULL) != SOT_OK ||
	    read_port(port_text, MESSAGE_PORT, &port) != SOT_OK ||
	    read_port(rest, HTTP_PORT, &http_port) != SOT_OK)
		return sot_fail(err, SOT_INVALID,
		    "cat_servers: \"%.*s\" is not a server such as 10.0.0.1:2280:8080", SOT_ARG(server));
	sot_buf_printf(out, "  <server ip=\"%s\" port=\"%llu\" http-port=\"%llu\"/>\n",
	    sot_format_ipv4(address, ip), (unsigned long long)port, (unsigned long long)http_port);
	return SOT_OK;
}

sot_code cat_files_render(const char *servers, sot_buf *out, sot_err *err)
{
	sot_str rest = sot_str_c(servers);
	sot_code code = SOT_OK;
	sot_buf_add_c(out,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- Written by Sotalia at each start. -->\n"
	    "<config mode=\"client\">\n <servers>\n");
	while (code == SOT_OK && rest.n > 0) {
		sot_str server = sot_str_cut(rest, ';', &rest);
		if (server.n > 0)
			code = add_server(server, out, err);
	}
	sot_buf_add_c(out, " </servers>\n</config>\n");
	return code;
}

/* The folder `cat` of applogs or appdatas; whoever runs inside may write to it. */
static sot_code open_folder(const char *parent, int *ret_fd, sot_err *err)
{
	int at = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "%s", parent);
	bool is_new = mkdirat(at, "cat", 0755) == 0;
	int fd = openat(at, "cat", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int why = errno;
	(void)close(at);
	if (fd < 0)
		return sot_fail_errno(err, SOT_CONFLICT, why, "%s/cat is no folder", parent);
	if (is_new && fchmod(fd, 0777) != 0) {
		why = errno;
		(void)close(fd);
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "chmod %s/cat", parent);
	}
	*ret_fd = fd;
	return SOT_OK;
}

static bool write_all(int fd, sot_str text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);
		if (n <= 0)
			return false;
		text = (sot_str){text.p + n, text.n - (size_t)n};
	}
	return true;
}

static sot_code replace_file(int folder, sot_str text, sot_err *err)
{
	(void)unlinkat(folder, NEW_NAME, 0);
	int fd = openat(folder, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "client.xml of an instance");
	bool is_whole = write_all(fd, text) && fchmod(fd, 0644) == 0;
	int why = errno;
	(void)close(fd);
	if (!is_whole || renameat(folder, NEW_NAME, folder, "client.xml") != 0)
		return sot_fail_errno(
		    err, SOT_UNAVAILABLE, is_whole ? errno : why, "client.xml of an instance");
	return SOT_OK;
}

static sot_code make_folder(
    const char *state_dir, const char *id, const char *name, int *ret_fd, sot_err *err)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/instances/%s/%s", state_dir, id, name);
	return open_folder(path, ret_fd, err);
}

sot_code cat_files_write(
    const char *state_dir, sot_uuid instance, const char *servers, sot_err *err)
{
	char id[SOT_UUID_TEXT];
	int logs = -1, datas = -1;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, DOCUMENT_MAX);
	if (servers[0] == '\0')
		return SOT_OK;
	sot_uuid_format(instance, id);
	sot_code code = cat_files_render(servers, &text, err);
	if (code == SOT_OK)
		code = make_folder(state_dir, id, "applogs", &logs, err);
	if (code == SOT_OK)
		code = make_folder(state_dir, id, "appdatas", &datas, err);
	if (code == SOT_OK)
		code = replace_file(datas, sot_buf_str(&text), err);
	if (logs >= 0)
		(void)close(logs);
	if (datas >= 0)
		(void)close(datas);
	return code;
}
