#include "net_record.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"

bool net_record_id_is_valid(const char *id)
{
	size_t n = strlen(id);
	if (n == 0 || n > NET_RECORD_ID_MAX || id[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = id[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

static sot_code text_member(const json_t *object, const char *key, const char **ret, sot_err *err)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_string(value))
		return sot_fail(err, SOT_INVALID, "\"%s\" is missing or not a text", key);
	*ret = json_string_value(value);
	return SOT_OK;
}

static sot_code number_member(const json_t *object, const char *key, json_int_t lo, json_int_t hi,
    json_int_t *ret, sot_err *err)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_integer(value))
		return sot_fail(err, SOT_INVALID, "\"%s\" is missing or not a whole number", key);
	json_int_t n = json_integer_value(value);
	if (n < lo || n > hi)
		return sot_fail(err, SOT_INVALID, "\"%s\" is %lld, it must lie in %lld..%lld", key,
		    (long long)n, (long long)lo, (long long)hi);
	*ret = n;
	return SOT_OK;
}

static sot_code link_member(
    const json_t *object, const char *key, char ret[static IFNAMSIZ], sot_err *err)
{
	const char *text = "";
	sot_code code = text_member(object, key, &text, err);
	if (code != SOT_OK)
		return code;
	if (text[0] == '\0' || strchr(text, '/') || strchr(text, ' ') || strlen(text) >= IFNAMSIZ)
		return sot_fail(
		    err, SOT_INVALID, "\"%s\" is \"%s\", not the name of a network link", key, text);
	return sot_str_copy(sot_str_c(text), ret, IFNAMSIZ, err);
}

static sot_code ip_member(
    const json_t *object, const char *key, uint8_t family, sot_ip *ret, sot_err *err)
{
	const char *text = NULL;
	sot_ip ip = {0};
	sot_code code = text_member(object, key, &text, err);
	if (code == SOT_OK)
		code = sot_ip_parse(sot_str_c(text), &ip, err);
	if (code == SOT_OK && ip.family != family)
		code = sot_fail(err, SOT_INVALID, "%s is not an IPv%u address", text, family);
	if (code != SOT_OK)
		return sot_wrap(err, "\"%s\"", key);
	*ret = ip;
	return SOT_OK;
}

/* Absent is `otherwise`. */
static sot_code bool_member(
    const json_t *object, const char *key, bool otherwise, bool *ret, sot_err *err)
{
	const json_t *value = json_object_get(object, key);
	if (value && !json_is_boolean(value))
		return sot_fail(err, SOT_INVALID, "\"%s\" is neither true nor false", key);
	*ret = value ? json_is_true(value) : otherwise;
	return SOT_OK;
}

static bool is_absolute_plain(const char *path)
{
	return path[0] == '/' && strlen(path) < PATH_MAX && !strstr(path, "/../") &&
	       !strstr(path, "/./") && !strstr(path, "//");
}

static sot_code mount_member(const json_t *object, net_record_mount *ret, sot_err *err)
{
	const json_t *read_only = json_object_get(object, "read_only");
	sot_code code = text_member(object, "source", &ret->source, err);
	if (code == SOT_OK)
		code = text_member(object, "destination", &ret->destination, err);
	if (code != SOT_OK)
		return sot_wrap(err, "a mount");
	if (!is_absolute_plain(ret->source) || !is_absolute_plain(ret->destination))
		return sot_fail(err, SOT_INVALID, "the mount %.80s on %.80s is not a pair of plain paths",
		    ret->source, ret->destination);
	if (!json_is_boolean(read_only))
		return sot_fail(
		    err, SOT_INVALID, "the mount on %.80s lacks \"read_only\"", ret->destination);
	ret->read_only = json_is_true(read_only);
	return SOT_OK;
}

static sot_code mounts_member(const json_t *object, net_record *ret, sot_err *err)
{
	const json_t *mounts = json_object_get(object, "mounts");
	if (!json_is_array(mounts) || json_array_size(mounts) > NET_RECORD_MOUNTS_MAX)
		return sot_fail(
		    err, SOT_INVALID, "\"mounts\" is not a list of at most %u", NET_RECORD_MOUNTS_MAX);
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		sot_code code = mount_member(json_array_get(mounts, i), &ret->mounts[i], err);
		if (code != SOT_OK)
			return code;
	}
	ret->mount_count = json_array_size(mounts);
	return SOT_OK;
}

/* Absent in records of before: Docker's own files stay bound. */
static sot_code own_files_member(const json_t *object, net_record *ret, sot_err *err)
{
	const json_t *list = json_object_get(object, "own_files");
	if (!list)
		return SOT_OK;
	if (!json_is_array(list) || json_array_size(list) > NET_RECORD_OWN_FILES_MAX)
		return sot_fail(err, SOT_INVALID, "\"own_files\" is not a list of at most %u",
		    NET_RECORD_OWN_FILES_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *path = json_string_value(json_array_get(list, i));
		if (!path || !is_absolute_plain(path))
			return sot_fail(err, SOT_INVALID, "\"own_files\" holds what is no plain path");
		ret->own_files[ret->own_file_count++] = path;
	}
	return SOT_OK;
}

static sot_code mac_member(const json_t *object, uint8_t ret[6], sot_err *err)
{
	const char *mac = NULL;
	sot_code code = text_member(object, "mac", &mac, err);
	if (code == SOT_OK)
		code = sot_parse_mac(sot_str_c(mac), ret, err);
	if (code == SOT_OK && (ret[0] & 1) != 0)
		code = sot_fail(err, SOT_INVALID, "\"mac\" %s is a group address", mac);
	return code;
}

static sot_code addresses(const json_t *object, net_record *ret, sot_err *err)
{
	json_int_t prefix = 0;
	sot_ip gateway = {0};
	sot_code code = ip_member(object, "address", 4, &ret->address, err);
	if (code == SOT_OK && sot_ip_v4(ret->address) == 0)
		code = sot_fail(err, SOT_INVALID, "\"address\" is 0.0.0.0");
	if (code == SOT_OK)
		code = number_member(object, "prefix", 1, 32, &prefix, err);
	if (code == SOT_OK)
		code = ip_member(object, "gateway", 4, &gateway, err);
	if (code == SOT_OK)
		code = mac_member(object, ret->mac, err);
	ret->prefix = (uint8_t)prefix;
	if (sot_ip_v4(gateway) != 0)
		ret->gateway = gateway; /* 0.0.0.0 says: none */
	return code;
}

static sot_code addresses6(const json_t *object, net_record *ret, sot_err *err)
{
	json_int_t prefix = 0;
	if (!json_object_get(object, "address6"))
		return SOT_OK;
	sot_code code = ip_member(object, "address6", 6, &ret->address6, err);
	if (code == SOT_OK &&
	    (ret->address6.b[0] == 0xff || sot_ip_eq(ret->address6, (sot_ip){6, {0}})))
		code = sot_fail(err, SOT_INVALID, "\"address6\" is no address of one machine");
	if (code == SOT_OK)
		code = number_member(object, "prefix6", 1, 128, &prefix, err);
	if (code == SOT_OK && json_object_get(object, "gateway6"))
		code = ip_member(object, "gateway6", 6, &ret->gateway6, err);
	ret->prefix6 = (uint8_t)prefix;
	return code;
}

/* What version 2 added. */
static sot_code rules(const json_t *object, net_record *ret, sot_err *err)
{
	json_int_t kbit = 0;
	sot_code code = addresses6(object, ret, err);
	if (code == SOT_OK && json_object_get(object, "bandwidth_kbit"))
		code = number_member(object, "bandwidth_kbit", 0, UINT32_MAX, &kbit, err);
	ret->bandwidth_kbit = (uint32_t)kbit;
	if (code == SOT_OK)
		code = bool_member(object, "isolated", false, &ret->isolated, err);
	if (code == SOT_OK)
		code = bool_member(object, "guard", true, &ret->guard, err);
	return code;
}

static sot_code members(const json_t *object, net_record *ret, sot_err *err)
{
	json_int_t version = 0, number = 0;
	sot_code code = number_member(object, "version", 1, 2, &version, err);
	if (code == SOT_OK)
		code = text_member(object, "name", &ret->name, err);
	if (code == SOT_OK)
		code = link_member(object, "bridge", ret->bridge, err);
	if (code == SOT_OK)
		code = link_member(object, "host_link", ret->host_link, err);
	if (code == SOT_OK)
		code = addresses(object, ret, err);
	if (code == SOT_OK)
		code = number_member(object, "mtu", 576, 65535, &number, err);
	ret->mtu = (uint32_t)number;
	if (code == SOT_OK)
		code = number_member(object, "vlan", 0, 4094, &number, err);
	ret->vlan = (uint16_t)number;
	ret->guard = true;
	if (code == SOT_OK && version >= 2)
		code = rules(object, ret, err);
	if (code == SOT_OK)
		code = mounts_member(object, ret, err);
	if (code == SOT_OK)
		code = own_files_member(object, ret, err);
	return code;
}

sot_code net_record_parse(sot_str text, net_record *ret, sot_err *err)
{
	json_error_t why;
	net_record record = {0};
	json_t *object = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &why);
	if (!object)
		return sot_fail(err, SOT_INVALID, "not JSON: line %d: %s", why.line, why.text);
	record.json = object;
	sot_code code = members(object, &record, err);
	if (code != SOT_OK) {
		net_record_clear(&record);
		return code;
	}
	*ret = record;
	return SOT_OK;
}

sot_code net_record_load(
    const char *state, const char *container_id, sot_buf *text, net_record *ret, sot_err *err)
{
	char path[PATH_MAX];
	if (!net_record_id_is_valid(container_id))
		return sot_fail(err, SOT_INVALID, "\"%.100s\" is not a container id", container_id);
	int n = snprintf(path, sizeof(path), "%s/net/%s.json", state, container_id);
	if (n < 0 || (size_t)n >= sizeof(path))
		return sot_fail(err, SOT_LIMIT, "the state folder's path is too long");
	sot_code code = sot_file_read(path, text, err);
	if (code == SOT_OK)
		code = net_record_parse(sot_buf_str(text), ret, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "record %s", path);
}

void net_record_clear(net_record *record)
{
	json_decref(record->json);
	record->json = NULL;
	record->mount_count = 0;
	record->own_file_count = 0;
}

/* The container id of "<id>.json"; copies of used records and unfinished files are none. */
static bool id_of_file(const char *file, char ret[static NET_RECORD_ID_MAX + 1])
{
	static const char ending[] = ".json", used[] = ".used.json";
	sot_str name = sot_str_c(file);
	size_t end = sizeof(ending) - 1, used_end = sizeof(used) - 1;
	if (name.n <= end || memcmp(name.p + name.n - end, ending, end) != 0 ||
	    (name.n > used_end && memcmp(name.p + name.n - used_end, used, used_end) == 0))
		return false;
	sot_str id = {name.p, name.n - end};
	return !sot_str_eq(id, SOT_STR("vlans")) &&
	       sot_str_copy(id, ret, NET_RECORD_ID_MAX + 1, NULL) == SOT_OK &&
	       net_record_id_is_valid(ret);
}

size_t net_record_each(const char *state, net_record_fn fn, void *self)
{
	char path[PATH_MAX], id[NET_RECORD_ID_MAX + 1];
	size_t unreadable = 0;
	int n = snprintf(path, sizeof(path), "%s/net", state);
	DIR *folder = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
	const struct dirent *entry;
	while (folder && (entry = readdir(folder)) != NULL) {
		net_record record = {0};
		SOT_AUTO_BUF text;
		sot_buf_init(&text, NET_RECORD_FILE_MAX);
		if (!id_of_file(entry->d_name, id))
			continue;
		sot_code code = net_record_load(state, id, &text, &record, NULL);
		if (code == SOT_OK) {
			fn(&record, self);
			net_record_clear(&record);
		} else if (code != SOT_NOT_FOUND) {
			unreadable++;
		}
	}
	if (folder)
		closedir(folder);
	return unreadable;
}
