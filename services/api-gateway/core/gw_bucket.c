#include "gw_bucket.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 64

typedef struct slot {
	char key[KEY_MAX];
	size_t key_n; /* 0: free */
	/* When the bucket is full again: one instant tells the fill level (GCRA). */
	sot_mono full_at;
} slot;

struct gw_buckets {
	size_t count;
	int64_t burst, refill_ms;
	slot *slots;
};

gw_buckets *gw_buckets_new(size_t slots, int64_t burst, int64_t refill_ms)
{
	gw_buckets *b = sot_alloc(sizeof(*b));
	b->count = slots;
	b->burst = burst;
	b->refill_ms = refill_ms;
	b->slots = sot_alloc_array(slots, sizeof(*b->slots));
	return b;
}

gw_buckets *gw_buckets_free(gw_buckets *b)
{
	if (b != NULL)
		free(b->slots);
	free(b);
	return NULL;
}

static slot *find(gw_buckets *b, sot_str key)
{
	slot *fullest = &b->slots[0];
	for (size_t i = 0; i < b->count; i++) {
		slot *s = &b->slots[i];
		if (s->key_n == key.n && memcmp(s->key, key.p, key.n) == 0)
			return s;
		if (s->full_at.ms < fullest->full_at.ms)
			fullest = s;
	}
	memcpy(fullest->key, key.p, key.n);
	fullest->key_n = key.n;
	fullest->full_at = (sot_mono){INT64_MIN / 2};
	return fullest;
}

bool gw_bucket_take(gw_buckets *b, sot_str key, sot_mono now, int64_t *ret_wait_ms)
{
	slot *s;
	int64_t missing;
	if (key.n > KEY_MAX)
		key.n = KEY_MAX;
	s = find(b, key.n > 0 ? key : SOT_STR("?"));
	if (s->full_at.ms < now.ms)
		s->full_at = now;
	missing = s->full_at.ms - now.ms;
	if (missing > (b->burst - 1) * b->refill_ms) {
		*ret_wait_ms = missing - (b->burst - 1) * b->refill_ms;
		return false;
	}
	s->full_at = sot_mono_add_ms(s->full_at, b->refill_ms);
	return true;
}
