/* What instances that elastic scaling may add are made of is on their hosts before: image, package,
 * middleware. The hosts are those where they would stand now, told again every 10 min. */
#include "elastic.h"

#include "forecast.h"
#include "middleware.h"
#include "parts.h"

#define AGAIN_MS 600000
#define LOOK_MS 5000
#define APPS_PER_LOOK 50

/* g: in this group; NULL: anywhere. */
static size_t packages_of(const controller *c, const app *a, const group *g,
    struct sot_stock_package ret[MIDDLEWARE_MAX + 1])
{
	struct sot_middleware_spec specs[MIDDLEWARE_MAX];
	size_t n = 0, count = middleware_specs(c, a->row.middleware ? a->row.middleware : "", specs);
	const version_row *v =
	    model_find_version(a, g && g->row.version[0] ? g->row.version : a->row.version);

	if (v)
		ret[n++] =
		    (struct sot_stock_package){{(const char *)v->sha256, sizeof(v->sha256)}, v->size_bytes};
	for (size_t k = 0; k < count; k++)
		ret[n++] = (struct sot_stock_package){specs[k].sha256, specs[k].size_bytes};
	return n;
}

static uint64_t digest_of(const sot_stock *m)
{
	forecast f = {.digest = 0};

	forecast_note(&f, m->image.p, m->image.n);
	for (size_t k = 0; k < m->packages_count; k++)
		forecast_note(&f, m->packages[k].sha256.p, m->packages[k].sha256.n);
	return f.digest;
}

static void tell(controller *c, const host *h, const sot_stock *m)
{
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	sot_err err = {0};

	e->host_id = h->row.id;
	if (sot_stock_encode(m, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame); /* within its bounds: does not happen */
}

/* It was told, and takes instances still. */
static bool hosts_hold(const app_elastic *x)
{
	for (size_t k = 0; k < x->stock.host_count; k++)
		if (!host_takes_instances(x->stock.hosts[k]))
			return false;
	return x->stock.host_count > 0;
}

static void look(controller *c, app_elastic *x)
{
	const elastic_policy *p = elastic_policy_of(x->e);
	const image *i = sot_map_get_c(c->images, x->app->row.image);
	const group *g = x->group[0] ? model_find_group(x->app, sot_str_c(x->group), false) : NULL;
	size_t have = app_wanted_count(x->app, g);
	struct sot_stock_package packages[MIDDLEWARE_MAX + 1];

	x->stock.looked = c->now.mono;
	if (!p->enabled || x->app->row.deleting || !i || !i->row.reference[0] || have >= p->max)
		return;
	sot_stock m = {.epoch = c->config.epoch,
	    .app = sot_str_c(x->app->row.name),
	    .image = sot_str_c(i->row.reference),
	    .packages = packages,
	    .packages_count = packages_of(c, x->app, g, packages)};
	uint64_t digest = digest_of(&m);
	if (digest == x->stock.digest && hosts_hold(x) &&
	    sot_mono_diff_ms(c->now.mono, x->stock.told) < AGAIN_MS)
		return;
	uint32_t more = p->max - (uint32_t)have;
	x->stock.host_count =
	    forecast_hosts(c, x->app, more < STOCK_HOSTS ? more : STOCK_HOSTS, x->stock.hosts);
	x->stock.digest = digest;
	x->stock.told = c->now.mono;
	for (size_t k = 0; k < x->stock.host_count; k++)
		tell(c, x->stock.hosts[k], &m);
}

void stock_tick(controller *c)
{
	size_t looks = 0;

	for (sot_link *l = c->all_elastics.next; l != &c->all_elastics && looks < APPS_PER_LOOK;
	     l = l->next) {
		app_elastic *x = SOT_CONTAINER(l, app_elastic, all);
		if (x->stock.looked.ms != 0 && sot_mono_diff_ms(c->now.mono, x->stock.looked) < LOOK_MS)
			continue;
		look(c, x);
		looks++;
	}
}
