#include "package_users.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "sot_file.h"

enum { NAMED_MAX = 4 * 1024 * 1024, RECORDS_MAX = 16 * 1024 * 1024 };

void package_users_init(package_users *u)
{
	*u = (package_users){0};
	sot_buf_init(&u->named, NAMED_MAX);
	sot_buf_init(&u->records, RECORDS_MAX);
}

void package_users_clear(package_users *u)
{
	sot_buf_clear(&u->named);
	sot_buf_clear(&u->records);
}

void package_users_reset(package_users *u)
{
	sot_buf_reset(&u->named);
	sot_buf_reset(&u->records);
	u->knows_records = false;
}

void package_users_add(package_users *u, const sot_instance_spec *spec)
{
	plan_package package;
	for (size_t k = 0; plan_package_at(spec, k, &package); k++)
		sot_buf_printf(&u->named, "%s %.*s\n", package.sha256, SOT_ARG(spec->name));
}

void package_users_read_records(package_users *u, const char *state_dir)
{
	char folder[PLAN_PATH_MAX], path[PLAN_PATH_MAX + 260];
	(void)snprintf(folder, sizeof(folder), "%s/net", state_dir);
	DIR *net = opendir(folder);
	bool ok = net != NULL;
	for (const struct dirent *d; ok && (d = readdir(net)) != NULL;) {
		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		ok = sot_file_read(path, &u->records, NULL) == SOT_OK;
	}
	if (net)
		(void)closedir(net);
	u->knows_records = ok && !sot_buf_failed(&u->records) && !sot_buf_failed(&u->named);
}

static bool names(const sot_buf *text, const char *digest)
{
	return text->n > 0 && memmem(text->p, text->n, digest, strlen(digest)) != NULL;
}

bool package_users_need(const package_users *u, const char *digest)
{
	return names(&u->named, digest) || names(&u->records, digest);
}

size_t package_users_names(const package_users *u, const char *digest, size_t max, sot_buf *out)
{
	size_t n = 0;
	sot_str rest = sot_buf_str(&u->named), name;
	sot_buf_add_char(out, '[');
	while (rest.n > 0) {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		if (!sot_str_eq_c(sot_str_cut(line, ' ', &name), digest) || n++ >= max)
			continue;
		sot_buf_add_c(out, n > 1 ? "," : "");
		sot_buf_add_json(out, name);
	}
	sot_buf_add_char(out, ']');
	return n;
}
