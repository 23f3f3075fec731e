#include "gw_rights.h"

#include "gw_text.h"

#include <stdlib.h>
#include <string.h>

struct gw_rights {
	unsigned references;
	gw_role role, role_max;
	gw_target reach; /* of the token */
	size_t grant_count;
	gw_grant grants[];
};

static gw_role lower(gw_role a, gw_role b)
{
	return a < b ? a : b;
}

static gw_role higher(gw_role a, gw_role b)
{
	return a > b ? a : b;
}

static bool is_any(const gw_target *reach)
{
	return reach->app[0] == '\0' && reach->team[0] == '\0' && reach->environment[0] == '\0';
}

static bool fits(const char *wanted, const char *have)
{
	return wanted[0] == '\0' || strcmp(wanted, have) == 0;
}

static bool reaches(const gw_target *reach, const gw_target *target)
{
	return fits(reach->app, target->app) && fits(reach->team, target->team) &&
	       fits(reach->environment, target->environment);
}

static bool take(sot_str *line, char dst[GW_NAME_MAX])
{
	sot_str word = sot_str_cut(*line, '|', line);
	return sot_str_copy(word, dst, GW_NAME_MAX, NULL) == SOT_OK;
}

static bool read_grant(sot_str line, gw_grant *ret)
{
	gw_grant g = {.role = gw_role_parse(sot_str_cut(line, '|', &line))};
	if (!take(&line, g.reach.team) || !take(&line, g.reach.app) ||
	    !take(&line, g.reach.environment) || is_any(&g.reach))
		return false;
	*ret = g;
	return g.role != GW_ROLE_PUBLIC;
}

static size_t count_lines(sot_str text)
{
	size_t n = text.n > 0 ? 1 : 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n < GW_GRANTS_MAX ? n : GW_GRANTS_MAX;
}

gw_rights *gw_rights_new(gw_role role, sot_str grants)
{
	size_t max = count_lines(grants);
	gw_rights *r = sot_alloc(sizeof(*r) + max * sizeof(r->grants[0]));
	r->references = 1;
	r->role = role;
	r->role_max = GW_ROLE_ADMIN;
	for (size_t i = 0; i < max; i++)
		if (read_grant(sot_str_cut(grants, '\n', &grants), &r->grants[r->grant_count]))
			r->grant_count++;
	return r;
}

gw_rights *gw_rights_ref(gw_rights *r)
{
	r->references++;
	return r;
}

gw_rights *gw_rights_free(gw_rights *r)
{
	if (r != NULL && --r->references == 0)
		free(r);
	return NULL;
}

void gw_rights_narrow(gw_rights *r, gw_role role_max, const gw_target *reach)
{
	r->role_max = role_max;
	r->reach = *reach;
}

gw_role gw_rights_platform(const gw_rights *r)
{
	return is_any(&r->reach) ? lower(r->role, r->role_max) : GW_ROLE_PUBLIC;
}

gw_role gw_rights_on(const gw_rights *r, const gw_target *target)
{
	gw_role role = r->role;
	if (!reaches(&r->reach, target))
		return GW_ROLE_PUBLIC;
	for (size_t i = 0; i < r->grant_count; i++)
		if (reaches(&r->grants[i].reach, target))
			role = higher(role, r->grants[i].role);
	return lower(role, r->role_max);
}

gw_role gw_rights_anywhere(const gw_rights *r)
{
	gw_role role = r->role;
	for (size_t i = 0; i < r->grant_count; i++)
		role = higher(role, r->grants[i].role);
	return lower(role, r->role_max);
}

bool gw_rights_vary(const gw_rights *r)
{
	return r->grant_count > 0 || !is_any(&r->reach);
}

bool gw_rights_is_narrowed(const gw_rights *r)
{
	return r->role_max < GW_ROLE_ADMIN || !is_any(&r->reach);
}

/* The narrower of two reaches, in each of the three; false when nothing is in both. */
static bool both(const gw_target *a, const gw_target *b, gw_target *ret)
{
	const char *const left[] = {a->app, a->team, a->environment};
	const char *const right[] = {b->app, b->team, b->environment};
	char *const into[] = {ret->app, ret->team, ret->environment};
	for (int i = 0; i < 3; i++) {
		if (left[i][0] != '\0' && right[i][0] != '\0' && strcmp(left[i], right[i]) != 0)
			return false;
		memcpy(into[i], left[i][0] != '\0' ? left[i] : right[i], GW_NAME_MAX);
	}
	return true;
}

static void add_line(const gw_target *reach, sot_buf *out)
{
	sot_buf_printf(out, "%s|%s|%s\n", reach->team, reach->app, reach->environment);
}

void gw_rights_visible(const gw_rights *r, sot_buf *out)
{
	size_t before = out->n;
	if (r->role >= GW_ROLE_VIEWER && is_any(&r->reach))
		return;
	if (r->role >= GW_ROLE_VIEWER) {
		add_line(&r->reach, out);
		return;
	}
	for (size_t i = 0; i < r->grant_count; i++) {
		gw_target reach;
		if (both(&r->grants[i].reach, &r->reach, &reach))
			add_line(&reach, out);
	}
	if (out->n == before)
		sot_buf_add_c(out, "-\n");
}
