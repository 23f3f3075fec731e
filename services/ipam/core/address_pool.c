#include "address_pool.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t SIZE_MAX_ADDRESSES = UINT64_C(1) << 62;

typedef struct cooling {
	uint64_t number;
	int64_t released_unix_ms, free_after_unix_ms;
} cooling;

struct address_pool {
	address_span *spans;
	uint64_t *starts; /* number of the first address of each span; one more: the size */
	size_t span_count;
	address_bits *free;
	uint64_t cursor;  /* number at which the next pick begins to look */
	cooling *cooling; /* ring, by time of release */
	size_t head, cooling_count, cooling_cap;
};

/* ---- addresses and their numbers ---- */

static uint64_t span_size(const address_span *span, uint64_t limit)
{
	uint64_t distance = sot_ip_distance(span->first, span->last);
	return distance >= limit ? limit : distance + 1;
}

address_pool *address_pool_new(const address_span *spans, size_t count)
{
	address_pool *p = sot_alloc(sizeof(*p));
	p->span_count = count;
	p->spans = sot_alloc_array(count ? count : 1, sizeof(*p->spans));
	p->starts = sot_alloc_array(count + 1, sizeof(*p->starts));
	for (size_t i = 0; i < count; i++) {
		p->spans[i] = spans[i];
		p->starts[i + 1] = p->starts[i] + span_size(&spans[i], SIZE_MAX_ADDRESSES - p->starts[i]);
	}
	p->free = address_bits_new(p->starts[count]);
	return p;
}

address_pool *address_pool_free(address_pool *p)
{
	if (!p)
		return NULL;
	address_bits_free(p->free);
	free(p->spans);
	free(p->starts);
	free(p->cooling);
	free(p);
	return NULL;
}

bool address_pool_is_of(const address_pool *p, const address_span *spans, size_t count)
{
	if (p->span_count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!sot_ip_eq(p->spans[i].first, spans[i].first) ||
		    !sot_ip_eq(p->spans[i].last, spans[i].last))
			return false;
	}
	return true;
}

/* The span that holds it, by bisection; false when there is none. */
static bool number_of(const address_pool *p, sot_ip address, uint64_t *ret)
{
	size_t low = 0, high = p->span_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (sot_ip_cmp(p->spans[middle].last, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == p->span_count || sot_ip_cmp(p->spans[low].first, address) > 0)
		return false;
	uint64_t distance = sot_ip_distance(p->spans[low].first, address);
	if (distance >= p->starts[low + 1] - p->starts[low])
		return false; /* past what is given out */
	*ret = p->starts[low] + distance;
	return true;
}

static sot_ip address_of(const address_pool *p, uint64_t number)
{
	size_t low = 0, high = p->span_count - 1;
	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;
		if (p->starts[middle] <= number)
			low = middle;
		else
			high = middle - 1;
	}
	return sot_ip_add(p->spans[low].first, number - p->starts[low]);
}

/* ---- the queue of cooling ones ---- */

static cooling *cooling_at(const address_pool *p, size_t index)
{
	return &p->cooling[(p->head + index) % p->cooling_cap];
}

static void take_coldest(address_pool *p, address_pick *ret)
{
	const cooling *c = cooling_at(p, 0);
	*ret = (address_pick){address_of(p, c->number), c->released_unix_ms, c->free_after_unix_ms};
	p->head = (p->head + 1) % p->cooling_cap;
	p->cooling_count--;
}

static void grow_cooling(address_pool *p)
{
	size_t cap = p->cooling_cap ? p->cooling_cap * 2 : 16;
	cooling *bigger = sot_alloc_array(cap, sizeof(*bigger));
	for (size_t i = 0; i < p->cooling_count; i++)
		bigger[i] = *cooling_at(p, i);
	free(p->cooling);
	p->cooling = bigger;
	p->cooling_cap = cap;
	p->head = 0;
}

/* Nearly always the latest: the place is looked for from the end. */
static void add_cooling(address_pool *p, cooling c)
{
	if (p->cooling_count == p->cooling_cap)
		grow_cooling(p);
	size_t at = p->cooling_count++;
	while (at > 0 && cooling_at(p, at - 1)->released_unix_ms > c.released_unix_ms) {
		*cooling_at(p, at) = *cooling_at(p, at - 1);
		at--;
	}
	*cooling_at(p, at) = c;
}

/* How many were released by then. */
static size_t cooled_by(const address_pool *p, int64_t released_by_unix_ms)
{
	size_t low = 0, high = p->cooling_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (cooling_at(p, middle)->released_unix_ms <= released_by_unix_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- taking and giving ---- */

bool address_pool_pick(address_pool *p, int64_t now_unix_ms, address_pick *ret)
{
	uint64_t number = 0;
	if (address_bits_count(p->free) == 0) {
		if (p->cooling_count == 0 || cooling_at(p, 0)->free_after_unix_ms > now_unix_ms)
			return false;
		take_coldest(p, ret);
		return true;
	}
	if (!address_bits_next(p->free, p->cursor, &number) && !address_bits_next(p->free, 0, &number))
		return false;
	address_bits_drop(p->free, number);
	p->cursor = number + 1;
	*ret = (address_pick){.address = address_of(p, number)};
	return true;
}

bool address_pool_pick_early(address_pool *p, int64_t released_by_unix_ms, address_pick *ret)
{
	if (p->cooling_count == 0 || cooling_at(p, 0)->released_unix_ms > released_by_unix_ms)
		return false;
	take_coldest(p, ret);
	return true;
}

void address_pool_put_back(address_pool *p, address_pick pick)
{
	if (pick.released_unix_ms)
		address_pool_cool(p, pick.address, pick.released_unix_ms, pick.free_after_unix_ms);
	else
		address_pool_release(p, pick.address);
}

void address_pool_jump(address_pool *p, uint64_t random)
{
	uint64_t size = address_pool_size(p);
	if (size > 0)
		p->cursor = random % size;
}

void address_pool_use(address_pool *p, sot_ip address)
{
	uint64_t number;
	if (number_of(p, address, &number))
		address_bits_drop(p->free, number);
}

void address_pool_release(address_pool *p, sot_ip address)
{
	uint64_t number;
	if (number_of(p, address, &number))
		address_bits_put(p->free, number);
}

void address_pool_cool(
    address_pool *p, sot_ip address, int64_t released_unix_ms, int64_t free_after_unix_ms)
{
	uint64_t number;
	if (!number_of(p, address, &number))
		return;
	address_bits_drop(p->free, number);
	add_cooling(p, (cooling){number, released_unix_ms, free_after_unix_ms});
}

/* ---- questions ---- */

bool address_pool_has(const address_pool *p, sot_ip address)
{
	uint64_t number;
	return number_of(p, address, &number);
}

bool address_pool_is_free(const address_pool *p, sot_ip address)
{
	uint64_t number;
	return number_of(p, address, &number) && address_bits_has(p->free, number);
}

uint64_t address_pool_size(const address_pool *p)
{
	return p->starts[p->span_count];
}

uint64_t address_pool_free_count(const address_pool *p)
{
	return address_bits_count(p->free);
}

size_t address_pool_cooling_count(const address_pool *p)
{
	return p->cooling_count;
}

uint64_t address_pool_ready_count(const address_pool *p, int64_t released_by_unix_ms)
{
	return address_bits_count(p->free) + cooled_by(p, released_by_unix_ms);
}

int64_t address_pool_next_cooled_unix_ms(const address_pool *p)
{
	return p->cooling_count ? cooling_at(p, 0)->free_after_unix_ms : 0;
}

int64_t address_pool_oldest_unix_ms(const address_pool *p)
{
	return p->cooling_count ? cooling_at(p, 0)->released_unix_ms : 0;
}
