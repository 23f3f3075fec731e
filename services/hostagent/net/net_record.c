#include "net_record.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sot_file.h"
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

static sot_code ipv4_member(const json_t *object, const char *key, uint32_t *ret, sot_err *err)
{
	const char *text = NULL;
	sot_code code = text_member(object, key, &text, err);
	if (code == SOT_OK)
		code = sot_parse_ipv4(sot_str_c(text), ret, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "\"%s\"", key);
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

static sot_code addresses(const json_t *object, net_record *ret, sot_err *err)
{
	const char *mac = NULL;
	json_int_t number = 0;
	sot_code code = ipv4_member(object, "address", &ret->address, err);
	if (code == SOT_OK)
		code = number_member(object, "prefix", 1, 32, &number, err);
	if (code != SOT_OK)
		return code;
	ret->prefix = (uint8_t)number;
	code = ipv4_member(object, "gateway", &ret->gateway, err);
	if (code == SOT_OK)
		code = text_member(object, "mac", &mac, err);
	if (code == SOT_OK)
		code = sot_parse_mac(sot_str_c(mac), ret->mac, err);
	if (code == SOT_OK && (ret->mac[0] & 1) != 0)
		code = sot_fail(err, SOT_INVALID, "\"mac\" %s is a group address", mac);
	if (code == SOT_OK && ret->address == 0)
		code = sot_fail(err, SOT_INVALID, "\"address\" is 0.0.0.0");
	return code;
}

static sot_code members(const json_t *object, net_record *ret, sot_err *err)
{
	json_int_t number = 0;
	sot_code code = number_member(object, "version", 1, 1, &number, err);
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
	if (code == SOT_OK) {
		ret->mtu = (uint32_t)number;
		code = mounts_member(object, ret, err);
	}
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
}
