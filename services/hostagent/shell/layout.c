#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sot_failpoint.h"
#include "sot_file.h"
#include "ssh_files.h"

enum { VLANS_FILE_MAX = 64 * 1024, RETIRED_MAX = 1000 };

static bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)st;
	(void)flag;
	(void)walk;
	(void)remove(path);
	return 0;
}

sot_code layout_prepare(const char *state_dir, sot_err *err)
{
	static const struct {
		const char *name;
		unsigned mode;
	} folders[] = {{"net", 0755}, {"packages", 0755}, {"packages/.blobs", 0700},
	    {"packages/.tmp", 0700}, {"instances", 0711}, {"instances/.retired", 0700}};
	char path[PLAN_PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/packages/.tmp", state_dir);
	(void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", state_dir, folders[i].name);
		sot_code code = sot_mkdirs(path, folders[i].mode, err);
		if (code != SOT_OK)
			return sot_wrap(err, "state_dir");
	}
	return SOT_OK;
}

/* A file that cannot be read is a file that is absent: it is written anew. */
static const char *read_text(sot_buf *text, const char *path)
{
	sot_buf_init(text, PLAN_RECORD_MAX);
	return sot_file_read(path, text, NULL) == SOT_OK && text->n > 0 ? text->p : NULL;
}

bool layout_next_package(
    const char *state_dir, const sot_instance_spec *spec, size_t *ret_there, plan_package *ret)
{
	char path[PLAN_PATH_MAX];
	for (size_t i = 0;; i++) {
		bool is_one = plan_package_at(spec, i, ret);
		if (is_one)
			(void)snprintf(path, sizeof(path), "%s/packages/%s", state_dir, ret->sha256);
		if (is_one && exists(path))
			continue;
		*ret_there = i;
		return is_one;
	}
}

void layout_read(const char *state_dir, const sot_instance_spec *spec, const char *container_id,
    layout_facts *ret)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	*ret = (layout_facts){0};
	sot_buf_init(&ret->record, PLAN_RECORD_MAX);
	sot_buf_init(&ret->used_record, PLAN_RECORD_MAX);
	sot_buf_init(&ret->resolv, PLAN_RECORD_MAX);
	sot_uuid_format(spec->instance_id, id);
	if (*container_id) {
		(void)snprintf(path, sizeof(path), "%s/net/%s.json", state_dir, container_id);
		ret->files.record = read_text(&ret->record, path);
		(void)snprintf(path, sizeof(path), "%s/net/%s.used.json", state_dir, container_id);
		ret->files.used_record = read_text(&ret->used_record, path);
	}
	plan_package next;
	if (layout_next_package(state_dir, spec, &ret->files.packages, &next)) {
		(void)snprintf(path, sizeof(path), "%s/packages/.blobs/%s", state_dir, next.sha256);
		ret->files.blob = exists(path);
	}
	(void)snprintf(path, sizeof(path), "%s/instances/%s/identity/files/resolv.conf", state_dir, id);
	ret->files.resolv = read_text(&ret->resolv, path);
	(void)snprintf(path, sizeof(path), "%s/instances/%s", state_dir, id);
	ret->files.folder = exists(path);
}

/* Each part in its own place of the mix (FNV-1a over 8 bytes at a time). */
static uint64_t mix(uint64_t stamp, uint64_t value)
{
	return (stamp ^ value) * 0x100000001b3ull;
}

static uint64_t mix_path(uint64_t stamp, const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return mix(stamp, 1);
	stamp = mix(mix(stamp, st.st_ino), (uint64_t)st.st_size);
	return mix(mix(stamp, (uint64_t)st.st_ctim.tv_sec), (uint64_t)st.st_ctim.tv_nsec);
}

uint64_t layout_stamp(
    const char *state_dir, const sot_instance_spec *spec, const char *container_id)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	uint64_t stamp = 0xcbf29ce484222325ull;
	sot_uuid_format(spec->instance_id, id);
	(void)snprintf(path, sizeof(path), "%s/net/%s.json", state_dir, container_id);
	stamp = mix_path(stamp, path);
	(void)snprintf(path, sizeof(path), "%s/net/%s.used.json", state_dir, container_id);
	stamp = mix_path(stamp, path);
	(void)snprintf(path, sizeof(path), "%s/instances/%s/identity/files/resolv.conf", state_dir, id);
	stamp = mix_path(stamp, path);
	(void)snprintf(path, sizeof(path), "%s/instances/%s", state_dir, id);
	stamp = mix(stamp, exists(path));
	plan_package next;
	size_t there = 0;
	bool is_missing = layout_next_package(state_dir, spec, &there, &next);
	stamp = mix(stamp, there);
	if (is_missing) {
		(void)snprintf(path, sizeof(path), "%s/packages/.blobs/%s", state_dir, next.sha256);
		stamp = mix(stamp, exists(path));
	}
	return stamp | 1;
}

void layout_facts_clear(layout_facts *f)
{
	sot_buf_clear(&f->record);
	sot_buf_clear(&f->used_record);
	sot_buf_clear(&f->resolv);
}

/* A write waits for the disk, twice: what stands there already is left. */
static sot_code keep(const char *path, const sot_buf *text, sot_err *err)
{
	SOT_AUTO_BUF present;
	sot_buf_init(&present, PLAN_RECORD_MAX);
	if (sot_file_read(path, &present, NULL) == SOT_OK &&
	    sot_str_eq(sot_buf_str(&present), sot_buf_str(text)))
		return SOT_OK;
	return sot_file_write(path, sot_buf_str(text), 0644, err);
}

static sot_code write_identity(const char *state_dir, const sot_instance_spec *spec, sot_err *err)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, PLAN_RECORD_MAX);
	plan_identity(spec, &text);
	(void)snprintf(path, sizeof(path), "%s/instances/%s/identity/instance.env", state_dir,
	    sot_uuid_format(spec->instance_id, id));
	return keep(path, &text, err);
}

sot_code layout_make_instance(const char *state_dir, const sot_instance_spec *spec, sot_err *err)
{
	static const char *const folders[] = {"applogs", "appdatas", "identity"};
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	sot_uuid_format(spec->instance_id, id);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/instances/%s/%s", state_dir, id, folders[i]);
		sot_code code = sot_mkdirs(path, 0755, err);
		if (code != SOT_OK)
			return code;
	}
	SOT_FAILPOINT("hostagent.create.after_folders", err);
	sot_code code = ssh_files_make(state_dir, spec, err);
	return code == SOT_OK ? write_identity(state_dir, spec, err) : code;
}

/* identity/files: what PID 1 of the instance copies to /etc (init/own_files.h). */
static sot_code write_own_file(const char *state_dir, const sot_instance_spec *spec,
    const char *name, const sot_buf *text, sot_err *err)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	(void)snprintf(path, sizeof(path), "%s/instances/%s/identity/files/%s", state_dir,
	    sot_uuid_format(spec->instance_id, id), name);
	return keep(path, text, err);
}

static sot_code write_own_files(
    const char *state_dir, const sot_instance_spec *spec, sot_str host_resolv, sot_err *err)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	SOT_AUTO_BUF hosts, hostname, resolv;
	sot_buf_init(&hosts, PLAN_RECORD_MAX);
	sot_buf_init(&hostname, PLAN_RECORD_MAX);
	sot_buf_init(&resolv, PLAN_RECORD_MAX);
	plan_hosts(spec, &hosts);
	sot_buf_printf(&hostname, "%.*s\n", SOT_ARG(spec->name));
	plan_resolv(spec, host_resolv, &resolv);
	(void)snprintf(path, sizeof(path), "%s/instances/%s/identity/files", state_dir,
	    sot_uuid_format(spec->instance_id, id));
	sot_code code = sot_mkdirs(path, 0755, err);
	if (code == SOT_OK)
		code = write_own_file(state_dir, spec, "hosts", &hosts, err);
	if (code == SOT_OK)
		code = write_own_file(state_dir, spec, "hostname", &hostname, err);
	if (code == SOT_OK)
		code = write_own_file(state_dir, spec, "resolv.conf", &resolv, err);
	return code;
}

sot_code layout_write_record(const char *state_dir, const plan_wire *wire,
    const sot_instance_spec *spec, sot_str host_resolv, const char *container_id, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, PLAN_RECORD_MAX);
	plan_record(spec, state_dir, wire, &text);
	if (sot_buf_failed(&text))
		return sot_fail(err, SOT_LIMIT, "the net record is too long");
	sot_code code = write_identity(state_dir, spec, err);
	if (code == SOT_OK)
		code = write_own_files(state_dir, spec, host_resolv, err);
	if (code == SOT_OK)
		code = ssh_files_make(state_dir, spec, err);
	if (code != SOT_OK)
		return code;
	SOT_FAILPOINT("hostagent.record.before_write", err);
	(void)snprintf(path, sizeof(path), "%s/net/%s.json", state_dir, container_id);
	return sot_file_write(path, sot_buf_str(&text), 0644, err);
}

sot_code layout_write_vlans(const char *state_dir, const vlans *networks, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF wanted, present;
	sot_buf_init(&wanted, VLANS_FILE_MAX);
	sot_buf_init(&present, VLANS_FILE_MAX);
	SOT_FAILPOINT("hostagent.vlans.before_write", err);
	vlans_render(networks, &wanted);
	(void)snprintf(path, sizeof(path), "%s/net/vlans.json", state_dir);
	if (sot_file_read(path, &present, NULL) == SOT_OK &&
	    sot_str_eq(sot_buf_str(&present), sot_buf_str(&wanted)))
		return SOT_OK;
	return sot_file_write(path, sot_buf_str(&wanted), 0644, err);
}

void layout_remove_record(const char *state_dir, const char *container_id)
{
	static const char *const endings[] = {".json", ".used.json"};
	char path[PLAN_PATH_MAX];
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/net/%s%s", state_dir, container_id, endings[i]);
		(void)unlink(path);
	}
}

sot_code layout_retire(const char *state_dir, sot_uuid id, sot_err *err)
{
	char from[PLAN_PATH_MAX], to[PLAN_PATH_MAX], text[SOT_UUID_TEXT];
	sot_uuid_format(id, text);
	(void)snprintf(from, sizeof(from), "%s/instances/%s", state_dir, text);
	for (unsigned n = 1; n <= RETIRED_MAX; n++) {
		char suffix[16] = "";
		if (n > 1)
			(void)snprintf(suffix, sizeof(suffix), ".%u", n);
		(void)snprintf(to, sizeof(to), "%s/instances/.retired/%s%s", state_dir, text, suffix);
		if (rename(from, to) == 0 || errno == ENOENT)
			return SOT_OK;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "rename %s to %s", from, to);
}
