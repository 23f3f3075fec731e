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

enum { VLANS_FILE_MAX = 64 * 1024 };

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

void layout_read(const char *state_dir, const sot_instance_spec *spec, const char *container_id,
    layout_facts *ret)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT], sha256[PLAN_SHA256_TEXT];
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
	if (*plan_package_sha256(spec, sha256)) {
		(void)snprintf(path, sizeof(path), "%s/packages/%s", state_dir, sha256);
		ret->files.package = exists(path);
		(void)snprintf(path, sizeof(path), "%s/packages/.blobs/%s", state_dir, sha256);
		ret->files.blob = exists(path);
	}
	if (spec->dns_count > 0) {
		(void)snprintf(path, sizeof(path), "%s/instances/%s/resolv.conf", state_dir, id);
		ret->files.resolv = read_text(&ret->resolv, path);
	}
	(void)snprintf(path, sizeof(path), "%s/instances/%s", state_dir, id);
	ret->files.folder = exists(path);
}

void layout_facts_clear(layout_facts *f)
{
	sot_buf_clear(&f->record);
	sot_buf_clear(&f->used_record);
	sot_buf_clear(&f->resolv);
}

static sot_code write_identity(const char *state_dir, const sot_instance_spec *spec, sot_err *err)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, PLAN_RECORD_MAX);
	plan_identity(spec, &text);
	(void)snprintf(path, sizeof(path), "%s/instances/%s/identity/instance.env", state_dir,
	    sot_uuid_format(spec->instance_id, id));
	return sot_file_write(path, sot_buf_str(&text), 0644, err);
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
	return write_identity(state_dir, spec, err);
}

/* The instance has the file mounted by itself: a new one in its place would not be seen, so its
 * bytes are replaced. It is shorter than a page, which goes to the disk as a whole. */
static sot_code overwrite(const char *path, sot_str text, sot_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "open %s", path);
	bool ok = pwrite(fd, text.p, text.n, 0) == (ssize_t)text.n &&
	          ftruncate(fd, (off_t)text.n) == 0 && fchmod(fd, 0644) == 0 && fdatasync(fd) == 0;
	int why = errno;
	close(fd);
	return ok ? SOT_OK : sot_fail_errno(err, SOT_UNAVAILABLE, why, "write %s", path);
}

static sot_code write_resolv(const char *state_dir, const sot_instance_spec *spec, sot_err *err)
{
	char path[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, PLAN_RECORD_MAX);
	plan_resolv(spec, &text);
	if (text.n == 0)
		return SOT_OK;
	(void)snprintf(path, sizeof(path), "%s/instances/%s/resolv.conf", state_dir,
	    sot_uuid_format(spec->instance_id, id));
	return overwrite(path, sot_buf_str(&text), err);
}

sot_code layout_write_record(const char *state_dir, const plan_wire *wire,
    const sot_instance_spec *spec, const char *container_id, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, PLAN_RECORD_MAX);
	plan_record(spec, state_dir, wire, &text);
	if (sot_buf_failed(&text))
		return sot_fail(err, SOT_LIMIT, "the net record is too long");
	sot_code code = write_identity(state_dir, spec, err);
	if (code == SOT_OK)
		code = write_resolv(state_dir, spec, err);
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
	(void)snprintf(to, sizeof(to), "%s/instances/.retired/%s", state_dir, text);
	if (rename(from, to) != 0 && errno != ENOENT)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "rename %s to %s", from, to);
	return SOT_OK;
}
