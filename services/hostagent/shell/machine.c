#include "machine.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "figures.h"
#include "sot_file.h"

enum { FILE_MAX = 64 * 1024 };

static void add(sot_buf *out, const char *name, const char *value)
{
	sot_buf_printf(out, "%s=%s\n", name, value);
}

static const char *yes_or_no(bool is)
{
	return is ? "yes" : "no";
}

/* Columns of /proc/cgroups: name, hierarchy, count, enabled; or the one line of cgroup v2. */
static void add_controllers(sot_buf *out)
{
	SOT_AUTO_BUF text;
	const char *between = "";
	sot_buf_init(&text, FILE_MAX);
	bool is_v2 = sot_file_read("/sys/fs/cgroup/cgroup.controllers", &text, NULL) == SOT_OK;
	if (!is_v2 && sot_file_read("/proc/cgroups", &text, NULL) != SOT_OK)
		return;
	sot_buf_add_c(out, "cgroup.controllers=");
	sot_str rest = sot_buf_str(&text);
	while (rest.n > 0) {
		sot_str tail, line = sot_str_cut(rest, is_v2 ? ' ' : '\n', &rest);
		sot_str name = is_v2 ? sot_str_cut(line, '\n', &tail) : sot_str_cut(line, '\t', &tail);
		bool is_on = is_v2 || (tail.n > 0 && tail.p[tail.n - 1] == '1');
		if (name.n == 0 || name.p[0] == '#' || !is_on)
			continue;
		sot_buf_printf(out, "%s%.*s", between, SOT_ARG(name));
		between = ",";
	}
	sot_buf_add_char(out, '\n');
}

static void add_setting(sot_buf *out, const char *name, const char *path)
{
	SOT_AUTO_BUF text;
	sot_str rest;
	sot_buf_init(&text, 256);
	if (sot_file_read(path, &text, NULL) != SOT_OK)
		return;
	sot_str value = sot_str_cut(sot_buf_str(&text), '\n', &rest);
	sot_buf_printf(out, "%s=%.*s\n", name, SOT_ARG(value));
}

static void add_room(const char *state_dir, sot_buf *out)
{
	struct statvfs fs = {0};
	if (statvfs(state_dir, &fs) != 0 || fs.f_blocks == 0)
		return;
	sot_buf_printf(out, "disk.free_permille=%llu\n",
	    (unsigned long long)fs.f_bavail * 1000 / (unsigned long long)fs.f_blocks);
	if (fs.f_files > 0) /* btrfs makes them as they are needed */
		sot_buf_printf(out, "inode.free_permille=%llu\n",
		    (unsigned long long)fs.f_favail * 1000 / (unsigned long long)fs.f_files);
}

static void add_swap_accounting(sot_buf *out)
{
	bool is_v1 = access("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK) == 0;
	bool has_v1 = access("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", F_OK) == 0;
	if (is_v1)
		add(out, "memory.swap_accounting", yes_or_no(has_v1));
}

static void add_overlay(sot_buf *out)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_MAX);
	if (sot_file_read("/proc/filesystems", &text, NULL) == SOT_OK)
		add(out, "module.overlay", yes_or_no(strstr(text.p, "\toverlay\n") != NULL));
}

/* The upstream version: Debian's release names the ABI only, its version the source
 * ("#1 SMP Debian 6.1.64-1 (2023-11-30)"). */
static void add_kernel(sot_buf *out)
{
	struct utsname name = {0};
	sot_str rest;
	(void)uname(&name);
	add(out, "kernel.release", name.release);
	const char *package = strstr(name.version, "Debian ");
	sot_str text = sot_str_c(package ? package + strlen("Debian ") : name.release);
	sot_buf_printf(out, "kernel.version=%.*s\n", SOT_ARG(sot_str_cut(text, '-', &rest)));
}

void machine_facts_read(const agent_config *config, const bool *view_up, sot_buf *out)
{
	host_figures figures;
	add_kernel(out);
	add_controllers(out);
	add_setting(out, "bridge_nf.iptables", "/proc/sys/net/bridge/bridge-nf-call-iptables");
	figures_read_host("", (sot_str){0}, &figures);
	add(out, "clock.synchronised", yes_or_no(figures.clock_is_synchronised));
	add_room(config->state_dir, out);
	add_swap_accounting(out);
	add_overlay(out);
	if (view_up)
		add(out, "lxcfs.answers", yes_or_no(*view_up));
}

/* DriverStatus is a list of pairs. */
static const char *status_of(const json_t *info, const char *key)
{
	const json_t *list = json_object_get(info, "DriverStatus");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *pair = json_array_get(list, i);
		const char *name = json_string_value(json_array_get(pair, 0));
		if (name && strcmp(name, key) == 0)
			return json_string_value(json_array_get(pair, 1));
	}
	return NULL;
}

static void add_text(sot_buf *out, const char *name, const char *value)
{
	if (value && !strchr(value, '\n'))
		add(out, name, value);
}

static void add_cgroup_manager(const json_t *info, sot_buf *out)
{
	const char *manager = json_string_value(json_object_get(info, "CgroupDriver"));
	bool beside = access("/run/systemd/system", F_OK) == 0;
	add_text(
	    out, "docker.cgroup_version", json_string_value(json_object_get(info, "CgroupVersion")));
	if (manager && !strchr(manager, '\n'))
		sot_buf_printf(
		    out, "docker.cgroup_manager=%s%s\n", manager, beside ? " beside systemd" : "");
}

void machine_facts_docker(sot_str body, sot_buf *out)
{
	json_t *info = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
	add(out, "docker.answers", yes_or_no(json_is_object(info)));
	if (json_is_object(info)) {
		const json_t *live = json_object_get(info, "LiveRestoreEnabled");
		const json_t *runtimes = json_object_get(info, "Runtimes");
		add_text(out, "docker.version", json_string_value(json_object_get(info, "ServerVersion")));
		add_text(out, "docker.driver", json_string_value(json_object_get(info, "Driver")));
		add_text(out, "docker.d_type", status_of(info, "Supports d_type"));
		add_text(out, "docker.backing", status_of(info, "Backing Filesystem"));
		add_text(out, "docker.native_diff", status_of(info, "Native Overlay Diff"));
		add_cgroup_manager(info, out);
		add(out, "docker.loop_file", yes_or_no(status_of(info, "Data loop file") != NULL));
		add(out, "docker.live_restore", json_is_true(live) ? "true" : "false");
		add(out, "docker.runtime_sotalia", yes_or_no(json_object_get(runtimes, "sotalia") != NULL));
		add_text(
		    out, "docker.log_driver", json_string_value(json_object_get(info, "LoggingDriver")));
	}
	json_decref(info);
}
