/* Changes of an instance that stays where it is: another plan, another image.
 *
 * A larger plan is booked on its host at once, or refused with what is missing: an instance never
 * runs with more than was booked for it. What its agent cannot do (less memory than is in use)
 * fails the step and is tried again by the agent.
 */
#include "parts.h"
#include "sot_parse.h"

#include <stdio.h>
#include <string.h>

/* One kind of what a host has: what may be booked of it, what is, what the instance has of that. */
typedef struct amount {
	uint64_t usable, booked, before, wanted;
	bool known; /* the host has told its capacity */
} amount;

static amount amount_of(uint64_t capacity, uint64_t reserve, uint32_t overcommit_permille,
    uint64_t booked, uint64_t before, uint64_t wanted)
{
	uint64_t kept = reserve < capacity ? reserve : capacity;

	return (amount){.usable = (capacity - kept) / 1000 * overcommit_permille +
	                          (capacity - kept) % 1000 * overcommit_permille / 1000,
	    .booked = booked,
	    .before = before,
	    .wanted = wanted,
	    .known = capacity > 0};
}

static uint64_t left(const amount *a)
{
	uint64_t others = a->booked - a->before;
	return others < a->usable ? a->usable - others : 0;
}

static bool lacks(const amount *a)
{
	return a->known && a->wanted > a->before && a->wanted > left(a);
}

static unsigned long long mb(uint64_t bytes)
{
	return bytes >> 20;
}

/* "" when it fits; otherwise what is missing, in words. */
static void refuse_plan(const instance *i, const plan_row *p, char *dst, size_t size)
{
	const host_row *h = &i->host->row;
	amount memory =
	    amount_of(h->memory_bytes, h->reserve_memory_bytes, h->memory_overcommit_permille,
	        h->booked_memory_bytes, i->row.make->memory_bytes, p->memory_bytes);
	amount cpu = amount_of(h->cpu_milli, h->reserve_cpu_milli, h->cpu_overcommit_permille,
	    h->booked_cpu_milli, i->row.make->cpu_milli, p->cpu_milli);
	amount disk = amount_of(h->disk_bytes, h->reserve_disk_bytes, h->disk_overcommit_permille,
	    h->booked_disk_bytes, i->row.make->disk_bytes, p->disk_bytes);

	dst[0] = '\0';
	if (lacks(&memory))
		(void)snprintf(dst, size, "%s has %llu MB of memory left for it, plan %s needs %llu MB",
		    h->name, mb(left(&memory)), p->name, mb(p->memory_bytes));
	else if (lacks(&cpu))
		(void)snprintf(dst, size, "%s has %.2f cores left for it, plan %s needs %.2f", h->name,
		    (double)left(&cpu) / 1000, p->name, (double)p->cpu_milli / 1000);
	else if (lacks(&disk))
		(void)snprintf(dst, size, "%s has %llu MB of disk left for it, plan %s needs %llu MB",
		    h->name, mb(left(&disk)), p->name, mb(p->disk_bytes));
}

bool resize_fits(controller *c, const instance *i, const char *plan, char *dst, size_t size)
{
	const plan_row *p = sot_map_get_c(c->plans, plan);

	dst[0] = '\0';
	if (plan[0] == '\0')
		return true;
	if (!p)
		(void)snprintf(dst, size, "there is no plan '%s' any more", plan);
	else if (instance_target(i))
		(void)snprintf(dst, size, "it moves to %s; wait for that", instance_target(i)->row.name);
	else if (i->host)
		refuse_plan(i, p, dst, size);
	if (dst[0] && i->host && !instance_target(i) && p) {
		size_t n = strlen(dst);
		(void)snprintf(dst + n, size - n,
		    "; move it first (sotalia instance move %s), or choose a smaller plan", i->name);
	}
	return dst[0] == '\0';
}

/* What the operation says of the limit; a number was checked when it was asked. */
static void set_bandwidth(instance_make *make, const plan_row *p, const char *wanted)
{
	uint64_t kbit = 0;

	if (wanted[0] != '\0')
		make->bandwidth_own =
		    sot_parse_u64(sot_str_c(wanted), 0, UINT32_MAX, &kbit, NULL) == SOT_OK;
	if (wanted[0] != '\0' && make->bandwidth_own)
		make->bandwidth_kbit = (uint32_t)kbit;
	if (!make->bandwidth_own && p)
		make->bandwidth_kbit = p->bandwidth_kbit;
}

void resize_instance(controller *c, instance *i, const char *plan, const char *bandwidth)
{
	const plan_row *p = sot_map_get_c(c->plans, plan[0] ? plan : i->row.make->plan);
	host *h = plan[0] ? i->host : NULL;

	instance_make make = instance_make_of(i->row.make);

	if (h)
		model_unbook_size(c, i);
	if (plan[0]) {
		shared_set(&make.plan, c->shared, sot_str_c(p->name));
		make.cpu_milli = p->cpu_milli;
		make.memory_bytes = p->memory_bytes;
		make.disk_bytes = p->disk_bytes;
	}
	set_bandwidth(&make, p, bandwidth);
	instance_remake(&i->row.make, c->shared, &make);
	if (h)
		model_book_size(c, i);
	i->row.generation++;
	i->has_failed = false;
	model_spec_changed(c, i);
}

void rebuild_instance(controller *c, instance *i, const char *name)
{
	const image *g = sot_map_get_c(c->images, name);

	if (g && strcmp(i->row.make->image, g->row.reference) != 0)
		INSTANCE_SET(c, i, image, sot_str_c(g->row.reference));
	i->row.rebuild_seq++;
	i->row.generation++;
	i->has_failed = false;
	model_spec_changed(c, i);
}
