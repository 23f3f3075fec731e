#include "plan.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sot_parse.h"

enum { PIDS_MAX_DEFAULT = 512 };

static const char container_prefix[] = "sot-";
static const char package_folder[] = "/data/webapps/", middleware_folder[] = "/opt/middleware/";

char *plan_container_name(sot_uuid id, char dst[static PLAN_CONTAINER_NAME_MAX])
{
	char text[SOT_UUID_TEXT];
	(void)snprintf(
	    dst, PLAN_CONTAINER_NAME_MAX, "%s%s", container_prefix, sot_uuid_format(id, text));
	return dst;
}

bool plan_container_instance(sot_str name, sot_uuid *ret)
{
	if (name.n > 0 && name.p[0] == '/') { /* as the Engine lists it */
		name.p++;
		name.n--;
	}
	if (!sot_str_starts(name, container_prefix))
		return false;
	sot_str id = {name.p + sizeof(container_prefix) - 1, name.n - (sizeof(container_prefix) - 1)};
	return sot_uuid_parse(id, ret, NULL) == SOT_OK;
}

static void set_digest(sot_str sha256, plan_package *ret)
{
	sot_hex_encode(sha256.p, sha256.n, ret->sha256);
}

bool plan_package_at(const sot_instance_spec *spec, size_t index, plan_package *ret)
{
	bool of_app = spec->package_sha256.n == crypto_hash_sha256_BYTES;
	if (of_app && index == 0) {
		set_digest(spec->package_sha256, ret);
		ret->size_bytes = spec->package_size_bytes;
		(void)snprintf(ret->destination, sizeof(ret->destination), "%s%.*s", package_folder,
		    SOT_ARG(spec->app));
		return true;
	}
	index -= of_app ? 1 : 0;
	if (index >= spec->middleware_count)
		return false;
	const sot_middleware_spec *m = &spec->middleware[index];
	set_digest(m->sha256, ret);
	ret->size_bytes = m->size_bytes;
	(void)snprintf(
	    ret->destination, sizeof(ret->destination), "%s%.*s", middleware_folder, SOT_ARG(m->name));
	return true;
}

bool plan_packages_equal(const sot_instance_spec *a, const sot_instance_spec *b)
{
	plan_package x, y;
	for (size_t i = 0;; i++) {
		bool of_a = plan_package_at(a, i, &x), of_b = plan_package_at(b, i, &y);
		if (of_a != of_b)
			return false;
		if (!of_a)
			return true;
		if (strcmp(x.sha256, y.sha256) != 0)
			return false;
	}
}

static void add_member(sot_buf *out, const char *key, sot_str value)
{
	sot_buf_printf(out, "\"%s\":", key);
	sot_buf_add_json(out, value);
	sot_buf_add_char(out, ',');
}

static void add_mount(sot_buf *out, const char *source, const char *destination, bool read_only)
{
	if (out->n > 0 && out->p[out->n - 1] != '[')
		sot_buf_add_char(out, ',');
	sot_buf_add_c(out, "{\"source\":");
	sot_buf_add_json(out, sot_str_c(source));
	sot_buf_add_c(out, ",\"destination\":");
	sot_buf_add_json(out, sot_str_c(destination));
	sot_buf_printf(out, ",\"read_only\":%s}", read_only ? "true" : "false");
}

static void add_mounts(const sot_instance_spec *spec, const char *state_dir, sot_buf *out)
{
	char source[PLAN_PATH_MAX], id[SOT_UUID_TEXT];
	plan_package package;
	sot_buf_add_c(out, ",\"mounts\":[");
	for (size_t i = 0; plan_package_at(spec, i, &package); i++) {
		(void)snprintf(source, sizeof(source), "%s/packages/%s", state_dir, package.sha256);
		add_mount(out, source, package.destination, true);
	}
	(void)sot_uuid_format(spec->instance_id, id);
	(void)snprintf(source, sizeof(source), "%s/instances/%s/ssh", state_dir, id);
	add_mount(out, source, "/etc/ssh/sotalia", true);
	(void)snprintf(source, sizeof(source), "%s/instances/%s/logins", state_dir, id);
	add_mount(out, source, "/var/log/sotalia", false);
	sot_buf_add_c(
	    out, "],\"own_files\":[\"/etc/hosts\",\"/etc/hostname\",\"/etc/resolv.conf\"]}\n");
}

char *plan_host_link(const sot_instance_spec *spec, char dst[static PLAN_HOST_LINK_MAX])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	unsigned vrf = spec->vrf;
	char suffix[4];
	size_t n = 0;
	for (; vrf > 0 && n < 3; vrf /= 36)
		suffix[n++] = digits[vrf % 36];
	int at = snprintf(
	    dst, PLAN_HOST_LINK_MAX, "sot%08x%s", sot_ip_v4(spec->address), spec->vrf > 0 ? "v" : "");
	while (n > 0)
		dst[at++] = suffix[--n];
	dst[at] = '\0';
	return dst;
}

static void add_addresses(const sot_instance_spec *spec, sot_buf *out)
{
	char text[SOT_IP_TEXT], gateway[16];
	sot_buf_printf(out, "\"address\":\"%s\",\"prefix\":%u,\"gateway\":\"%s\",",
	    sot_ip_format(spec->address, text), spec->prefix,
	    sot_format_ipv4(sot_ip_v4(spec->gateway), gateway));
	if (sot_ip_is_none(spec->address_v6))
		return;
	sot_buf_printf(out, "\"address6\":\"%s\",\"prefix6\":%u,",
	    sot_ip_format(spec->address_v6, text), spec->prefix_v6);
	if (!sot_ip_is_none(spec->gateway_v6))
		sot_buf_printf(out, "\"gateway6\":\"%s\",", sot_ip_format(spec->gateway_v6, text));
}

void plan_record(
    const sot_instance_spec *spec, const char *state_dir, const plan_wire *wire, sot_buf *out)
{
	char id[SOT_UUID_TEXT], mac[18], link[PLAN_HOST_LINK_MAX];
	sot_buf_printf(out, "{\"version\":2,\"restart_seq\":%u,", spec->restart_seq);
	add_member(out, "package_version", spec->version);
	add_member(out, "instance", sot_str_c(sot_uuid_format(spec->instance_id, id)));
	add_member(out, "name", spec->name);
	add_member(out, "bridge", sot_str_c(wire->bridge));
	sot_buf_printf(out, "\"vlan\":%u,\"vrf\":%u,", spec->vlan_id, spec->vrf);
	add_addresses(spec, out);
	sot_buf_printf(out,
	    "\"mac\":\"%s\",\"host_link\":\"%s\",\"mtu\":%u,\"isolated\":%s,\"bandwidth_kbit\":%u,"
	    "\"guard\":true",
	    sot_format_mac(spec->mac.b, mac), plan_host_link(spec, link),
	    spec->mtu > 0 ? spec->mtu : wire->mtu, spec->isolated ? "true" : "false",
	    spec->bandwidth_kbit);
	add_mounts(spec, state_dir, out);
}

/* A value may hold a line feed, which must not begin a line of its own. */
static void add_value(sot_buf *out, const char *name, char between, sot_str value)
{
	sot_buf_add_c(out, name);
	sot_buf_add_char(out, between);
	for (size_t i = 0; i < value.n; i++)
		sot_buf_add_char(out, value.p[i] == '\n' ? ' ' : value.p[i]);
	sot_buf_add_char(out, '\n');
}

static void add_line(sot_buf *out, const char *name, sot_str value)
{
	add_value(out, name, '=', value);
}

void plan_hosts(const sot_instance_spec *spec, sot_buf *out)
{
	char text[SOT_IP_TEXT];
	sot_buf_add_c(out, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
	if (!sot_ip_is_none(spec->address))
		sot_buf_printf(out, "%s %.*s\n", sot_ip_format(spec->address, text), SOT_ARG(spec->name));
	if (!sot_ip_is_none(spec->address_v6))
		sot_buf_printf(
		    out, "%s %.*s\n", sot_ip_format(spec->address_v6, text), SOT_ARG(spec->name));
}

/* A resolver that listens on the host's own loopback is none for an instance. */
static bool is_loopback_resolver(sot_str line)
{
	sot_str address = {line.p + sizeof("nameserver") - 1, line.n - (sizeof("nameserver") - 1)};
	while (address.n > 0 && (*address.p == ' ' || *address.p == '\t'))
		address = (sot_str){address.p + 1, address.n - 1};
	return sot_str_starts(address, "127.") || sot_str_eq_c(address, "::1");
}

static void add_resolv_of_host(sot_str host, sot_buf *out)
{
	size_t before = out->n;
	while (host.n > 0) {
		sot_str line = sot_str_cut(host, '\n', &host);
		if (!sot_str_starts(line, "nameserver") || !is_loopback_resolver(line))
			sot_buf_printf(out, "%.*s\n", SOT_ARG(line));
	}
	if (out->n == before)
		sot_buf_add_c(out, PLAN_RESOLV_NONE);
}

void plan_resolv(const sot_instance_spec *spec, sot_str host, sot_buf *out)
{
	char address[SOT_IP_TEXT];
	if (spec->dns_count == 0) {
		add_resolv_of_host(host, out);
		return;
	}
	if (spec->dns_search.n > 0)
		add_value(out, "search", ' ', spec->dns_search);
	for (size_t i = 0; i < spec->dns_count; i++)
		add_value(out, "nameserver", ' ', sot_str_c(sot_ip_format(spec->dns[i], address)));
}

void plan_identity(const sot_instance_spec *spec, sot_buf *out)
{
	char id[SOT_UUID_TEXT], address[16];
	sot_buf_printf(out, "SOTALIA_INSTANCE=%s\n", sot_uuid_format(spec->instance_id, id));
	add_line(out, "SOTALIA_NAME", spec->name);
	add_line(out, "SOTALIA_APP", spec->app);
	add_line(out, "SOTALIA_ADDRESS", sot_str_c(sot_format_ipv4(sot_ip_v4(spec->address), address)));
	add_line(out, "SOTALIA_VERSION", spec->version);
	sot_buf_printf(out, "SOTALIA_CPU_MILLI=%u\nSOTALIA_MEMORY_BYTES=%llu\nSOTALIA_PORT=%u\n",
	    spec->cpu_milli, (unsigned long long)spec->memory_bytes, spec->health.port);
}

uint32_t plan_pids_max(const sot_instance_spec *spec)
{
	return spec->pids_max > 0 ? spec->pids_max : PIDS_MAX_DEFAULT;
}

/* Length before content, so that no two specs give the same bytes. */
static void hash_text(crypto_hash_sha256_state *h, sot_str text)
{
	char length[24];
	int n = snprintf(length, sizeof(length), "%zu:", text.n);
	(void)crypto_hash_sha256_update(h, (const unsigned char *)length, (unsigned long long)n);
	if (text.n > 0)
		(void)crypto_hash_sha256_update(h, (const unsigned char *)text.p, text.n);
}

void plan_fingerprint(const sot_instance_spec *spec, char dst[static PLAN_SHA256_TEXT])
{
	crypto_hash_sha256_state h;
	unsigned char digest[crypto_hash_sha256_BYTES];
	(void)crypto_hash_sha256_init(&h);
	hash_text(&h, spec->image);
	hash_text(&h, spec->name);
	hash_text(&h, spec->command);
	for (size_t i = 0; i < spec->env_count; i++) {
		hash_text(&h, spec->env[i].name);
		hash_text(&h, spec->env[i].value);
	}
	if (spec->rebuild_seq > 0) { /* 0 is left out: containers of before keep their digest */
		char number[16];
		(void)snprintf(number, sizeof(number), "%u", spec->rebuild_seq);
		hash_text(&h, sot_str_c(number));
	}
	(void)crypto_hash_sha256_final(&h, digest);
	sot_hex_encode(digest, sizeof(digest), dst);
}

/* ---- reading records: those of this file, of either version ---- */

/* The end of a JSON string that begins at the quote `at`, or NULL. */
static const char *string_end(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at == '"' ? at : NULL;
}

/* The value of a member of the outermost object, as written: a text with its quotes, a number or a
 * word. Strings are skipped as such, so no value is taken for a key. */
static sot_str member(const char *record, const char *key)
{
	size_t n = strlen(key);
	for (const char *at = record ? record : ""; *at; at++) {
		if (*at == '[') /* nothing flat follows */
			break;
		if (*at != '"')
			continue;
		const char *end = string_end(at);
		if (!end)
			break;
		bool is_key = end[1] == ':' && (size_t)(end - at) == n + 1 && memcmp(at + 1, key, n) == 0;
		at = end;
		if (!is_key)
			continue;
		const char *value = end + 2;
		const char *stop = *value == '"' ? string_end(value) : NULL;
		return (sot_str){value, stop ? (size_t)(stop + 1 - value) : strcspn(value, ",}[")};
	}
	return (sot_str){0};
}

sot_str plan_record_text(const char *record, const char *key)
{
	sot_str value = member(record, key);
	bool is_text = value.n >= 2 && value.p[0] == '"';
	return is_text ? (sot_str){value.p + 1, value.n - 2} : (sot_str){0};
}

uint32_t plan_record_number(const char *record, const char *key)
{
	uint64_t n = 0;
	return sot_parse_u64(member(record, key), 0, UINT32_MAX, &n, NULL) == SOT_OK ? (uint32_t)n : 0;
}

uint32_t plan_record_restart_seq(const char *record)
{
	return plan_record_number(record, "restart_seq");
}

sot_str plan_record_version(const char *record)
{
	return plan_record_text(record, "package_version");
}

/* From the digest on, in `"source":"…/packages/<sha256>","destination":"<folder>…"`: the next one
 * at or behind *at, which moves behind it; empty behind the last. */
static sot_str next_package(const char **at, const char *folder)
{
	static const char middle[] = "\",\"destination\":\"";
	const size_t n = PLAN_SHA256_TEXT - 1;
	for (const char *found = *at; found && (found = strstr(found, middle)) != NULL;) {
		const char *destination = found + sizeof(middle) - 1;
		const char *end = strchr(destination, '"');
		bool is_it =
		    end && strncmp(destination, folder, strlen(folder)) == 0 && (size_t)(found - *at) >= n;
		sot_str text = {found - n, is_it ? (size_t)(end - (found - n)) : 0};
		found = destination;
		if (!is_it)
			continue;
		*at = end;
		return text;
	}
	*at = NULL;
	return (sot_str){0};
}

static bool same_packages(const char *a, const char *b, const char *folder)
{
	sot_str x, y;
	do {
		x = next_package(&a, folder);
		y = next_package(&b, folder);
		if (!sot_str_eq(x, y))
			return false;
	} while (x.n > 0);
	return true;
}

/* VRF 0 was not written in version 1. */
static bool same_member(const char *a, const char *b, const char *key)
{
	sot_str x = member(a, key), y = member(b, key);
	if (strcmp(key, "vrf") == 0) {
		x = x.n == 0 ? SOT_STR("0") : x;
		y = y.n == 0 ? SOT_STR("0") : y;
	}
	return sot_str_eq(x, y);
}

bool plan_record_needs_restart(const char *used, const char *wanted)
{
	static const char *const keys[] = {"restart_seq", "package_version", "bridge", "vlan", "vrf",
	    "address", "prefix", "gateway", "address6", "prefix6", "gateway6", "mac", "host_link"};
	if (used && wanted && strcmp(used, wanted) == 0)
		return false; /* as always while nothing changes */
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!same_member(used, wanted, keys[i]))
			return true;
	return !same_packages(used, wanted, package_folder) ||
	       !same_packages(used, wanted, middleware_folder);
}

bool plan_record_holds(const char *record, const sot_instance_spec *spec)
{
	char v4[SOT_IP_TEXT], v6[SOT_IP_TEXT];
	return record && plan_record_number(record, "vlan") == spec->vlan_id &&
	       plan_record_number(record, "vrf") == spec->vrf &&
	       sot_str_eq_c(plan_record_text(record, "address"), sot_ip_format(spec->address, v4)) &&
	       sot_str_eq_c(plan_record_text(record, "address6"), sot_ip_format(spec->address_v6, v6));
}
