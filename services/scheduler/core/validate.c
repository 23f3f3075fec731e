#include "validate.h"

#include <stdio.h>
#include <string.h>

#include "sot_parse.h"

bool problem_set(problem *p, enum sot_refusal code, const char *pointer, const char *fmt, ...)
{
	va_list args;

	p->code = code;
	p->retry_after_ms = 0;
	(void)snprintf(p->pointer, sizeof(p->pointer), "%s", pointer);
	va_start(args, fmt);
	(void)vsnprintf(p->text, sizeof(p->text), fmt, args);
	va_end(args);
	return false;
}

static bool is_one_of(char ch, const char *set)
{
	return ch != '\0' && strchr(set, ch) != NULL;
}

static bool is_alnum(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
}

static bool all_alnum_or(sot_str s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && !is_one_of(s.p[i], others))
			return false;
	}
	return s.n > 0;
}

static bool has_control(sot_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	}
	return false;
}

static bool validate_health(const sot_health_spec *h, problem *p)
{
	if (h->kind == SOT_HEALTH_CHECK_NONE)
		return true;
	if (h->kind == SOT_HEALTH_CHECK_COMMAND && h->command.n == 0)
		return problem_set(
		    p, SOT_REFUSAL_INVALID, "/health/command", "a command health check needs a command");
	if (h->kind != SOT_HEALTH_CHECK_COMMAND && h->port == 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/health/port",
		    "a %s health check needs a port between 1 and 65535", sot_health_check_name(h->kind));
	if (h->timeout_ms > h->interval_ms)
		return problem_set(p, SOT_REFUSAL_INVALID, "/health/timeoutMs",
		    "the timeout of %u ms is longer than the interval of %u ms", h->timeout_ms,
		    h->interval_ms);
	if (h->kind != SOT_HEALTH_CHECK_HTTP)
		return true;
	if (h->path.n == 0 || h->path.p[0] != '/')
		return problem_set(
		    p, SOT_REFUSAL_INVALID, "/health/path", "the path must begin with '/', e.g. /healthz");
	if (has_control(h->path) || memchr(h->path.p, ' ', h->path.n))
		return problem_set(p, SOT_REFUSAL_INVALID, "/health/path",
		    "the path holds a space or a control character; write it percent-encoded");
	return true;
}

static bool validate_env(const sot_app_create *m, problem *p)
{
	char pointer[64];

	for (size_t i = 0; i < m->env_count; i++) {
		sot_str name = m->env[i].name;
		(void)snprintf(pointer, sizeof(pointer), "/env/%zu/name", i);
		if (!all_alnum_or(name, "_") || (name.p[0] >= '0' && name.p[0] <= '9'))
			return problem_set(p, SOT_REFUSAL_INVALID, pointer,
			    "'%.*s' is no name of a variable: letters, digits and '_', not a digit first",
			    SOT_ARG(name));
		for (size_t k = 0; k < i; k++) {
			if (sot_str_eq(m->env[k].name, name))
				return problem_set(
				    p, SOT_REFUSAL_INVALID, pointer, "'%.*s' is given twice", SOT_ARG(name));
		}
	}
	return true;
}

bool validate_app_create(const sot_app_create *m, problem *p)
{
	if (!sot_is_label(m->name, 30) || m->name.n < 2)
		return problem_set(p, SOT_REFUSAL_INVALID, "/name",
		    "'%.*s' is no name of an app: 2 to 30 of a-z, 0-9 and '-', a letter first, no '-' last",
		    SOT_ARG(m->name));
	if (m->version.n > 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/version",
		    "a new app has no package versions yet: create it with 0 instances, upload the "
		    "package, deploy the version, then scale");
	return validate_health(&m->health, p) && validate_env(m, p);
}

static bool has_archive_name(sot_str name)
{
	static const char *const endings[] = {".war", ".zip", ".tar", ".tar.gz", ".tgz"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);
		if (name.n > n && memcmp(name.p + name.n - n, endings[i], n) == 0)
			return true;
	}
	return false;
}

bool validate_package_register(const sot_package_register *m, problem *p)
{
	if (!all_alnum_or(m->version, "._+-"))
		return problem_set(p, SOT_REFUSAL_INVALID, "/version",
		    "'%.*s' is no version: letters, digits, '.', '_', '+' and '-' only",
		    SOT_ARG(m->version));
	if (m->size_bytes == 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/sizeBytes", "the package is empty");
	if (memchr(m->file_name.p, '/', m->file_name.n) || has_control(m->file_name))
		return problem_set(p, SOT_REFUSAL_INVALID, "/file",
		    "'%.*s' is a path; give the bare file name", SOT_ARG(m->file_name));
	if (!has_archive_name(m->file_name))
		return problem_set(p, SOT_REFUSAL_INVALID, "/file",
		    "'%.*s' is no package: the name must end in .war, .zip, .tar, .tar.gz or .tgz",
		    SOT_ARG(m->file_name));
	return true;
}

static bool is_image(sot_str name, sot_str reference, problem *p)
{
	if (!sot_is_label(name, 64))
		return problem_set(p, SOT_REFUSAL_INVALID, "/name",
		    "'%.*s' is no name of an image: a-z, 0-9 and '-', a letter first", SOT_ARG(name));
	if (!all_alnum_or(reference, "._-/:@"))
		return problem_set(p, SOT_REFUSAL_INVALID, "/reference",
		    "'%.*s' is no image reference; write it as registry:5000/name:tag", SOT_ARG(reference));
	return true;
}

bool validate_image_register(const sot_image_register *m, problem *p)
{
	return is_image(m->name, m->reference, p);
}

static bool is_digest(sot_str s)
{
	if (s.n != 71 || memcmp(s.p, "sha256:", 7) != 0)
		return false;
	for (size_t i = 7; i < s.n; i++) {
		if ((s.p[i] < '0' || s.p[i] > '9') && (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
	}
	return true;
}

bool validate_image_add(const sot_image_add *m, problem *p)
{
	if (!is_image(m->name, m->reference, p))
		return false;
	if (!all_alnum_or(m->version, "._-"))
		return problem_set(p, SOT_REFUSAL_INVALID, "/version",
		    "'%.*s' is no version: letters, digits, '.', '_' and '-' only", SOT_ARG(m->version));
	if (m->digest.n > 0 && !is_digest(m->digest))
		return problem_set(p, SOT_REFUSAL_INVALID, "/digest",
		    "'%.*s' is no digest; write it as sha256: and 64 hexadecimal digits",
		    SOT_ARG(m->digest));
	return true;
}

bool validate_host_register(const sot_host_register *m, problem *p)
{
	/* The alphabet of Z85 (ZeroMQ RFC 32). */
	static const char z85[] = ".-:+=^!/*?&<>()[]{}@%$#";
	char pointer[32];

	if (!sot_is_label(m->name, 63))
		return problem_set(p, SOT_REFUSAL_INVALID, "/name",
		    "'%.*s' is no name of a host: a-z, 0-9 and '-', a letter first", SOT_ARG(m->name));
	if (!sot_is_label(m->az, 32))
		return problem_set(
		    p, SOT_REFUSAL_INVALID, "/az", "'%.*s' is no name of a zone", SOT_ARG(m->az));
	if (!sot_is_label(m->rack, 32))
		return problem_set(
		    p, SOT_REFUSAL_INVALID, "/rack", "'%.*s' is no name of a rack", SOT_ARG(m->rack));
	if (m->public_key.n != 40 || !all_alnum_or(m->public_key, z85))
		return problem_set(p, SOT_REFUSAL_INVALID, "/publicKey",
		    "this is no Z85 public key of 40 characters; take what sotalia-hostagent --keygen "
		    "prints");
	for (size_t i = 0; i < m->tags_count; i++) {
		(void)snprintf(pointer, sizeof(pointer), "/tags/%zu", i);
		if (!all_alnum_or(m->tags[i], "._=/-"))
			return problem_set(
			    p, SOT_REFUSAL_INVALID, pointer, "a tag is letters, digits and '._=/-'");
	}
	return true;
}
