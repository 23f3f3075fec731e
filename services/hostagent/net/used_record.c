#include "used_record.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_record.h"
#include "sot_file.h"
#include "sot_mem.h"

static const char boot_member[] = "boot_id";

sot_code used_record_this_boot(char ret[static USED_RECORD_BOOT_MAX + 1], sot_err *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char line[USED_RECORD_BOOT_MAX + 2] = "";
	FILE *file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file)) {
		int why = errno;
		if (file)
			(void)fclose(file);
		return sot_fail_errno(err, SOT_INTERNAL, why, "read %s", path);
	}
	(void)fclose(file);
	line[strcspn(line, "\n")] = '\0';
	memcpy(ret, line, USED_RECORD_BOOT_MAX);
	ret[USED_RECORD_BOOT_MAX] = '\0';
	return SOT_OK;
}

static sot_code path_of(
    const char *state, const char *container_id, char ret[static PATH_MAX], sot_err *err)
{
	if (!net_record_id_is_valid(container_id))
		return sot_fail(err, SOT_INVALID, "\"%.100s\" is not a container id", container_id);
	int n = snprintf(ret, PATH_MAX, "%s/net/%s.used.json", state, container_id);
	if (n < 0 || n >= PATH_MAX)
		return sot_fail(err, SOT_LIMIT, "the state folder's path is too long");
	return SOT_OK;
}

/* What a power loss left of a file is no copy: NULL, as when there is none. */
static json_t *load(const char *path, bool *ret_exists)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, NET_RECORD_FILE_MAX);
	sot_code code = sot_file_read(path, &text, NULL);
	*ret_exists = code != SOT_NOT_FOUND;
	json_t *object = code == SOT_OK
	                     ? json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL)
	                     : NULL;
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

static const char *boot_of(const json_t *object)
{
	const char *boot = json_string_value(json_object_get(object, boot_member));
	return boot ? boot : "";
}

/* Not synced: a copy that a power loss takes belongs to a process that died with it, and the boot
 * that is missing then asks for the probe. */
static sot_code write_whole(const char *path, const char *text, sot_err *err)
{
	char temp[PATH_MAX + 8];
	(void)snprintf(temp, sizeof(temp), "%s.tmp", path);
	FILE *file = fopen(temp, "we");
	if (!file)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "open %s", temp);
	bool ok = fputs(text, file) >= 0;
	ok = fclose(file) == 0 && ok && rename(temp, path) == 0;
	return ok ? SOT_OK : sot_fail_errno(err, SOT_UNAVAILABLE, errno, "write %s", path);
}

static sot_code store(const char *path, json_t *object, const char *boot, sot_err *err)
{
	if (json_object_set_new(object, boot_member, json_string(boot)) != 0)
		return sot_fail(err, SOT_INVALID, "\"%s\" cannot be noted in %s", boot_member, path);
	char *text = json_dumps(object, JSON_COMPACT);
	sot_code code = text ? write_whole(path, text, err)
	                     : sot_fail(err, SOT_INTERNAL, "%s cannot be written as JSON", path);
	free(text);
	return code;
}

sot_code used_record_write(const char *state, const char *container_id, sot_str record,
    const char *this_boot, sot_err *err)
{
	char path[PATH_MAX];
	bool ran_before = false;
	sot_code code = path_of(state, container_id, path, err);
	if (code != SOT_OK)
		return code;
	json_t *now = json_loadb(record.p ? record.p : "", record.n, JSON_REJECT_DUPLICATES, NULL);
	json_t *before = load(path, &ran_before);
	code = json_is_object(now) ? store(path, now, ran_before ? boot_of(before) : this_boot, err)
	                           : sot_fail(err, SOT_INVALID, "the record is no JSON object");
	json_decref(now);
	json_decref(before);
	return code;
}

sot_code used_record_is_of_another_boot(
    const char *state, const char *container_id, const char *this_boot, bool *ret, sot_err *err)
{
	char path[PATH_MAX];
	bool exists = false;
	sot_code code = path_of(state, container_id, path, err);
	if (code != SOT_OK)
		return code;
	json_t *used = load(path, &exists);
	*ret = exists && strcmp(boot_of(used), this_boot) != 0;
	json_decref(used);
	return SOT_OK;
}

sot_code used_record_mark(
    const char *state, const char *container_id, const char *this_boot, sot_err *err)
{
	char path[PATH_MAX];
	bool exists = false;
	sot_code code = path_of(state, container_id, path, err);
	if (code != SOT_OK)
		return code;
	json_t *used = load(path, &exists);
	if (used && strcmp(boot_of(used), this_boot) != 0)
		code = store(path, used, this_boot, err);
	json_decref(used);
	return code;
}
