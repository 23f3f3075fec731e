/* Adoptions: a container of this platform whose instance has no row any more (the database came
 * back from a backup) becomes an instance of its app again, where it stands.
 *
 *   its labels say app, group, number    they are what it says of itself: all are looked up
 *   a row with its id, on its host       placed like any new one, but there or nowhere
 *   the order to its agent               finds the container and compares it, as after any restart
 *
 * Its files stay. Its address is asked for like that of a new one: when another one is granted, its
 * agent starts it anew with that.
 */
#include "parts.h"
#include "validate.h"

#include "sot_parse.h"

#include <string.h>

/* The number that ends `app-group-07`, and the group's name; false: it is no name of that app. */
static bool split_name(const unknown_container *u, sot_str *ret_group, uint32_t *ret_number)
{
	sot_str rest = u->instance_name;
	size_t at = rest.n;
	uint64_t number;

	if (u->app.n == 0 || rest.n <= u->app.n + 1 || memcmp(rest.p, u->app.p, u->app.n) != 0 ||
	    rest.p[u->app.n] != '-')
		return false;
	while (at > 0 && rest.p[at - 1] != '-')
		at--;
	if (at <= u->app.n + 2 || sot_parse_u64((sot_str){rest.p + at, rest.n - at}, 1, INT32_MAX - 1,
	                              &number, NULL) != SOT_OK)
		return false;
	*ret_group = (sot_str){rest.p + u->app.n + 1, at - 1 - (u->app.n + 1)};
	*ret_number = (uint32_t)number;
	return true;
}

/* Two containers of one instance: only an operator can say which of them it is. */
static const host *other_with_it(controller *c, const host *h, const unknown_container *u)
{
	unknown_container copy;

	for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		const host *o = SOT_CONTAINER(l, host, all);
		if (o != h && o->row.state != HOST_RETIRED &&
		    containers_of_instance(o, u->instance_id, &copy))
			return o;
	}
	return NULL;
}

static bool check_stands_nowhere(
    controller *c, const host *h, const unknown_container *u, problem *p)
{
	const instance *i = model_find_instance(c, u->instance_id);
	const host *o = other_with_it(c, h, u);

	if (!i)
		i = model_find_instance_named(c, u->instance_name);
	if (i)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
		    "there is an instance %s already, on %s: this one can be ignored, or removed on its "
		    "host by hand",
		    i->name, i->host ? i->host->row.name : "no host yet");
	if (departure_find(h, u->instance_id))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
		    "host %s was told to give it up, and does", h->row.name);
	if (o)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
		    "host %s has a container of the same instance, too: remove one of them by hand",
		    o->row.name);
	return true;
}

bool container_may_be_adopted(
    controller *c, const host *h, const unknown_container *u, group **ret_group, problem *p)
{
	sot_str name;
	uint32_t number;

	if (sot_uuid_is_zero(u->instance_id))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
		    "%.*s was not made by this platform: it can be ignored, not adopted", SOT_ARG(u->name));
	if (!check_stands_nowhere(c, h, u, p))
		return false;
	const app *a = model_find_app(c, u->app);
	if (!a || a->row.deleting)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
		    "its label names the app '%.*s', which there is not", SOT_ARG(u->app));
	if (!split_name(u, &name, &number))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
		    "its label names the instance '%.*s', which is no name of an instance of %s",
		    SOT_ARG(u->instance_name), a->row.name);
	*ret_group = model_find_group(a, name, false);
	return *ret_group ? true
	                  : problem_set(p, SOT_REFUSAL_CONFLICT, "/container",
	                        "app %s has no group '%.*s' any more", a->row.name, SOT_ARG(name));
}

void adoption_begin(controller *c, operation *o)
{
	host *h = model_find_host(c, sot_str_c(o->row.to_host));
	unknown_container u;
	group *of = NULL;
	sot_str group_name;
	problem p;
	uint32_t number = 0;

	if (!h || !containers_of_instance(h, o->row.resource_id, &u)) {
		operation_end(c, o, OPERATION_FAILED, "its host does not report the container any more");
		return;
	}
	if (!container_may_be_adopted(c, h, &u, &of, &p)) {
		operation_end(c, o, OPERATION_FAILED, p.text);
		return;
	}
	(void)split_name(&u, &group_name, &number);
	/* A number that was given out since the backup may be another's: then it takes the next one,
	 * and keeps its name. */
	if (number < of->row.next_number)
		number = of->row.next_number;
	of->row.next_number = number + 1;
	instance_row row = {.id = u.instance_id, .number = number, .generation = u.generation + 1};
	char name[LABEL_MAX_BYTES + 1];
	model_copy_text(name, sizeof(name), u.instance_name);
	row.name = name;
	instance *i = plan_instance_row(c, o, of, row);
	/* It may have a row from before, which says that it was retired. */
	i->is_written = true;
	say_log(c, o, LOG_INFO, "%s: container %.12s of host %s becomes instance %u of %s", i->name,
	    u.id.n >= 12 ? u.id.p : "", h->row.name, number, o->app->row.name);
	plan_add_growth(c, o, i);
}
