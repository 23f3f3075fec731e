#include "shell/host_list.h"

#include "sot_file.h"
#include "sot_parse.h"

#include <stdio.h>
#include <unistd.h>

#define FILE_MAX_BYTES (8u * 1024u * 1024u)
#define PATH_MAX_BYTES 512

static sot_code path_of(const char *dir, char dst[static PATH_MAX_BYTES], sot_err *err)
{
	int n = snprintf(dst, PATH_MAX_BYTES, "%s/hosts", dir);
	if (n < 0 || n >= PATH_MAX_BYTES)
		return sot_fail(err, SOT_INVALID, "state_dir is too long");
	return SOT_OK;
}

sot_code host_list_load(const char *dir, monitor *m, sot_wall now, sot_err *err)
{
	char path[PATH_MAX_BYTES], name[FIGURES_NAME_MAX + 1];
	SOT_AUTO_BUF file;
	sot_buf_init(&file, FILE_MAX_BYTES);
	sot_code code = path_of(dir, path, err);
	if (code != SOT_OK || access(path, F_OK) != 0)
		return code;
	code = sot_file_read(path, &file, err);
	if (code != SOT_OK)
		return code;
	sot_str rest = sot_buf_str(&file);
	while (rest.n > 0) {
		sot_str address_text;
		uint32_t address;
		sot_str line = sot_str_cut(rest, '\n', &rest);
		sot_str name_text = sot_str_cut(line, ' ', &address_text);
		code = sot_parse_ipv4(address_text, &address, err);
		if (code == SOT_OK)
			code = sot_str_copy(name_text, name, sizeof(name), err);
		if (code != SOT_OK) {
			(void)sot_wrap(err, "%s: \"%.*s\"", path, SOT_ARG(line));
			return code;
		}
		monitor_learn_host(m, name, address, now);
	}
	return SOT_OK;
}

sot_code host_list_save(const char *dir, const monitor *m, sot_err *err)
{
	char path[PATH_MAX_BYTES], address[16];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_MAX_BYTES);
	sot_code code = path_of(dir, path, err);
	if (code != SOT_OK)
		return code;
	monitor_host_iter it = {0};
	monitor_host host;
	while (monitor_next_host(m, &it, &host)) {
		if (host.address != 0)
			sot_buf_printf(&text, "%s %s\n", host.name, sot_format_ipv4(host.address, address));
	}
	return sot_file_write(path, sot_buf_str(&text), 0600, err);
}
