#include "middleware.h"

#include "parts.h"

#include <stdlib.h>
#include <string.h>

void middleware_free(void *m)
{
	middleware *one = m;

	free(one->versions);
	free(one);
}

middleware *middleware_find(const controller *c, sot_str name)
{
	return sot_map_get(c->middleware, name.p, name.n);
}

version_row *middleware_version_known(const middleware *m, sot_str version)
{
	for (size_t k = 0; m && k < m->version_count; k++) {
		if (sot_str_eq_c(version, m->versions[k].version))
			return &m->versions[k];
	}
	return NULL;
}

const version_row *middleware_version_find(const middleware *m, sot_str version)
{
	const version_row *v = middleware_version_known(m, version);

	return v && !v->removed ? v : NULL;
}

static middleware_row *row_in(controller_batch *b, const middleware *m, const version_row *v)
{
	for (size_t k = 0; k < b->middleware_count; k++) {
		middleware_row *row = &b->middleware[k];
		if (strcmp(row->name, m->name) == 0 && strcmp(row->version.version, v->version) == 0)
			return row; /* a batch has each once */
	}
	middleware_row *row = VECTOR_PUSH(b->middleware, b->middleware_count, b->middleware_cap);
	*row = (middleware_row){.version = *v};
	row->version.origin = NULL;
	return row;
}

void middleware_write(controller *c, const middleware *m, const version_row *v)
{
	middleware_row *row = row_in(c->next, m, v);

	memcpy(row->name, m->name, sizeof(row->name));
	memcpy(row->kind, m->kind, sizeof(row->kind));
	row->keep_versions = m->keep_versions;
	row->keep_days = m->keep_days;
	row->version.removed = v->removed;
}

void middleware_add(controller *c, const middleware_row *row, bool write)
{
	middleware *m = sot_map_get_c(c->middleware, row->name);

	if (!m) {
		m = sot_alloc(sizeof(*m));
		memcpy(m->name, row->name, sizeof(m->name));
		memcpy(m->kind, row->kind, sizeof(m->kind));
		m->keep_versions = row->keep_versions;
		m->keep_days = row->keep_days;
		sot_map_set(c->middleware, row->name, strlen(row->name), m);
	}
	version_row *v = VECTOR_PUSH(m->versions, m->version_count, m->version_cap);
	*v = row->version;
	v->origin = NULL;
	if (!write)
		return;
	middleware_write(c, m, v);
	row_in(c->next, m, v)->version.origin = row->version.origin;
}

bool middleware_next(sot_str *rest, sot_str *ret_name, sot_str *ret_version)
{
	sot_str one;

	if (rest->n == 0)
		return false;
	one = sot_str_cut(*rest, ',', rest);
	*ret_name = sot_str_cut(one, '=', ret_version);
	return true;
}

size_t middleware_count(sot_str set)
{
	sot_str name, version;
	size_t n = 0;

	while (middleware_next(&set, &name, &version))
		n++;
	return n;
}

static void put_one(sot_buf *out, sot_str name, sot_str version)
{
	if (version.n > 0)
		sot_buf_printf(out, "%s%.*s=%.*s", out->n > 0 ? "," : "", SOT_ARG(name), SOT_ARG(version));
}

static int compare(sot_str a, sot_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

void middleware_put(sot_str set, sot_str name, sot_str version, sot_buf *out)
{
	sot_str n, v;
	bool is_put = false;

	while (middleware_next(&set, &n, &v)) {
		int order = compare(n, name);
		if (order >= 0 && !is_put) {
			put_one(out, name, version);
			is_put = true;
		}
		if (order != 0)
			put_one(out, n, v);
	}
	if (!is_put)
		put_one(out, name, version);
}

sot_str middleware_version_in(const char *set, sot_str name)
{
	sot_str rest = sot_str_c(set), one, version;

	while (middleware_next(&rest, &one, &version)) {
		if (sot_str_eq(one, name))
			return version;
	}
	return (sot_str){0};
}

size_t middleware_specs(
    const controller *c, const char *set, struct sot_middleware_spec ret[MIDDLEWARE_MAX])
{
	sot_str rest = sot_str_c(set), name, version;
	size_t n = 0;

	while (n < MIDDLEWARE_MAX && middleware_next(&rest, &name, &version)) {
		const middleware *m = middleware_find(c, name);
		const version_row *v = middleware_version_known(m, version);
		if (!v)
			continue; /* none was ever taken out of the catalogue */
		ret[n++] = (struct sot_middleware_spec){.name = sot_str_c(m->name),
		    .version = sot_str_c(v->version),
		    .sha256 = {(const char *)v->sha256, sizeof(v->sha256)},
		    .size_bytes = v->size_bytes};
	}
	return n;
}
