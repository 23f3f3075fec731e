#include "oci_config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sot_file.h"

enum { HOOK_TIMEOUT_S = 5 };

/* The array `key` of `object`, made when absent; NULL when it is something else. */
static json_t *array_of(json_t *object, const char *key)
{
	json_t *array = json_object_get(object, key);
	if (!array && json_object_set_new(object, key, json_array()) == 0)
		array = json_object_get(object, key);
	return json_is_array(array) ? array : NULL;
}

/* Drops the items whose text member `key` is `value`, so that amending again does not repeat. */
static void drop_items(json_t *array, const char *key, const char *value)
{
	for (size_t i = json_array_size(array); i-- > 0;) {
		const char *text = json_string_value(json_object_get(json_array_get(array, i), key));
		if (text && strcmp(text, value) == 0)
			json_array_remove(array, i);
	}
}

static bool add_mount(json_t *mounts, const char *source, const char *destination, bool read_only)
{
	drop_items(mounts, "destination", destination);
	json_t *item = json_pack("{s:s,s:s,s:s,s:[s,s,s,s,s]}", "destination", destination, "type",
	    "bind", "source", source, "options", "rbind", read_only ? "ro" : "rw", "nosuid", "nodev",
	    "rprivate");
	return item && json_array_append_new(mounts, item) == 0;
}

/* Over the kernel's own files, so behind the mounts of /proc and /sys. */
static bool add_view(json_t *mounts, const oci_additions *a)
{
	char source[PATH_MAX], destination[64];
	bool ok = true;
	for (size_t i = 0; a->view && ok && i < VIEW_FILES_MAX; i++) {
		if (!a->has_file[i])
			continue;
		(void)snprintf(source, sizeof(source), "%s/%s", a->view, view_files[i].name);
		(void)snprintf(destination, sizeof(destination), "/%s", view_files[i].name);
		ok = add_mount(mounts, source, destination, true);
	}
	return ok;
}

static bool add_mounts(json_t *config, const oci_additions *a)
{
	json_t *mounts = array_of(config, "mounts");
	bool ok = mounts != NULL;
	for (size_t i = 0; ok && i < a->record->own_file_count; i++)
		drop_items(mounts, "destination", a->record->own_files[i]);
	for (size_t i = 0; ok && i < a->record->mount_count; i++) {
		const net_record_mount *m = &a->record->mounts[i];
		ok = add_mount(mounts, m->source, m->destination, m->read_only);
	}
	return ok && add_view(mounts, a);
}

static bool add_hook(json_t *config, const char *hook_path, const char *state)
{
	json_t *hooks = json_object_get(config, "hooks");
	if (!hooks && json_object_set_new(config, "hooks", json_object()) == 0)
		hooks = json_object_get(config, "hooks");
	json_t *list = json_is_object(hooks) ? array_of(hooks, "createRuntime") : NULL;
	if (!list)
		return false;
	drop_items(list, "path", hook_path);
	json_t *argument = json_sprintf("--state=%s", state);
	json_t *item = json_pack("{s:s,s:[s,o],s:i}", "path", hook_path, "args", "sotalia-net-hook",
	    argument, "timeout", HOOK_TIMEOUT_S);
	return item && json_array_append_new(list, item) == 0;
}

sot_code oci_config_amend(sot_str config, const oci_additions *a, sot_buf *out, sot_err *err)
{
	json_error_t why;
	sot_code code = SOT_OK;
	json_t *object = json_loadb(config.p ? config.p : "", config.n, 0, &why);
	if (!object)
		return sot_fail(err, SOT_INVALID, "not JSON: line %d: %s", why.line, why.text);

	if (!json_is_string(json_object_get(object, "ociVersion")))
		code = sot_fail(err, SOT_INVALID, "no OCI configuration: \"ociVersion\" is missing");
	else if (!add_mounts(object, a))
		code = sot_fail(err, SOT_INVALID, "\"mounts\" is not a list");
	else if (!add_hook(object, a->hook_path, a->state))
		code = sot_fail(err, SOT_INVALID, "\"hooks\" is not an object with lists");

	char *text = code == SOT_OK ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (code != SOT_OK)
		return code;
	if (!text)
		return sot_fail(err, SOT_INTERNAL, "the configuration cannot be written as JSON");
	sot_buf_add_c(out, text);
	free(text);
	if (sot_buf_failed(out))
		return sot_fail(err, SOT_LIMIT, "the configuration is too large");
	return SOT_OK;
}

static sot_code write_all(int fd, sot_str text, sot_err *err)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, n < 0 ? errno : EIO, "write");
		text.p += n;
		text.n -= (size_t)n;
	}
	return SOT_OK;
}

static sot_code replace_file(const char *path, sot_str text, sot_err *err)
{
	char temp[PATH_MAX];
	int n = snprintf(temp, sizeof(temp), "%s.sotalia", path);
	if (n < 0 || (size_t)n >= sizeof(temp))
		return sot_fail(err, SOT_LIMIT, "the bundle's path is too long");
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "open %s", temp);
	sot_code code = write_all(fd, text, err);
	close(fd);
	if (code == SOT_OK && rename(temp, path) != 0)
		code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "rename %s", temp);
	if (code != SOT_OK)
		(void)unlink(temp);
	return code;
}

sot_code oci_config_rewrite(const char *bundle, const oci_additions *a, sot_err *err)
{
	char path[PATH_MAX];
	sot_buf before, after;
	int n = snprintf(path, sizeof(path), "%s/config.json", bundle);
	if (n < 0 || (size_t)n >= sizeof(path))
		return sot_fail(err, SOT_LIMIT, "the bundle's path is too long");

	sot_buf_init(&before, OCI_CONFIG_MAX);
	sot_buf_init(&after, OCI_CONFIG_MAX);
	sot_code code = sot_file_read(path, &before, err);
	if (code == SOT_OK)
		code = oci_config_amend(sot_buf_str(&before), a, &after, err);
	if (code == SOT_OK)
		code = replace_file(path, sot_buf_str(&after), err);
	sot_buf_clear(&before);
	sot_buf_clear(&after);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "%s", path);
}
