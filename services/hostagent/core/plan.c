#include "plan.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sot_parse.h"

static const char container_prefix[] = "sot-";

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

char *plan_package_sha256(const sot_instance_spec *spec, char dst[static PLAN_SHA256_TEXT])
{
	dst[0] = '\0';
	if (spec->package_sha256.n == crypto_hash_sha256_BYTES)
		sot_hex_encode(spec->package_sha256.p, spec->package_sha256.n, dst);
	return dst;
}

static void add_member(sot_buf *out, const char *key, sot_str value)
{
	sot_buf_printf(out, "\"%s\":", key);
	sot_buf_add_json(out, value);
	sot_buf_add_char(out, ',');
}

static void add_mount(const sot_instance_spec *spec, const plan_settings *settings, sot_buf *out)
{
	char sha256[PLAN_SHA256_TEXT];
	if (*plan_package_sha256(spec, sha256) == '\0')
		return;
	sot_buf_add_c(out, "{\"source\":");
	char path[PLAN_PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/packages/%s", settings->state_dir, sha256);
	sot_buf_add_json(out, sot_str_c(path));
	(void)snprintf(path, sizeof(path), "/data/webapps/%.*s", SOT_ARG(spec->app));
	sot_buf_add_c(out, ",\"destination\":");
	sot_buf_add_json(out, sot_str_c(path));
	sot_buf_add_c(out, ",\"read_only\":true}");
}

void plan_record(const sot_instance_spec *spec, const plan_settings *settings, sot_buf *out)
{
	char id[SOT_UUID_TEXT], address[16], gateway[16], mac[18];
	/* The two members that plan_record_* read stand first. */
	sot_buf_printf(out, "{\"version\":1,\"restart_seq\":%u,", spec->restart_seq);
	add_member(out, "package_version", spec->version);
	add_member(out, "instance", sot_str_c(sot_uuid_format(spec->instance_id, id)));
	add_member(out, "name", spec->name);
	add_member(out, "bridge", sot_str_c(settings->bridge_name));
	sot_buf_printf(out,
	    "\"vlan\":%u,\"address\":\"%s\",\"prefix\":%u,\"gateway\":\"%s\",\"mac\":\"%s\","
	    "\"host_link\":\"sot%08x\",\"mtu\":%u,\"mounts\":[",
	    spec->vlan_id, sot_format_ipv4(sot_ip_v4(spec->address), address), spec->prefix,
	    sot_format_ipv4(sot_ip_v4(spec->gateway), gateway), sot_format_mac(spec->mac.b, mac),
	    sot_ip_v4(spec->address), settings->mtu);
	add_mount(spec, settings, out);
	sot_buf_add_c(out, "]}\n");
}

/* A version may hold a line feed, which must not begin a line of its own. */
static void add_line(sot_buf *out, const char *name, sot_str value)
{
	sot_buf_printf(out, "%s=", name);
	for (size_t i = 0; i < value.n; i++)
		sot_buf_add_char(out, value.p[i] == '\n' ? ' ' : value.p[i]);
	sot_buf_add_char(out, '\n');
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
	(void)crypto_hash_sha256_final(&h, digest);
	sot_hex_encode(digest, sizeof(digest), dst);
}

static const char *after(const char *record, const char *key)
{
	const char *at = record ? strstr(record, key) : NULL;
	return at ? at + strlen(key) : NULL;
}

uint32_t plan_record_restart_seq(const char *record)
{
	uint32_t n = 0;
	const char *at = after(record, "\"restart_seq\":");
	for (; at && *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (uint32_t)(*at - '0');
	return n;
}

sot_str plan_record_version(const char *record)
{
	const char *at = after(record, "\"package_version\":\"");
	const char *end = at ? strchr(at, '"') : NULL;
	return end ? (sot_str){at, (size_t)(end - at)} : (sot_str){0};
}
