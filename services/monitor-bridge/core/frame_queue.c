#include "frame_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
	uint32_t size;
	int64_t expires_unix_ms;
} entry;

struct frame_queue {
	char *bytes;
	size_t bytes_max, head, used;
	entry *entries;
	size_t entries_max, entry_head, entry_count;
	uint64_t pushed, overflowed, expired;
};

frame_queue *frame_queue_new(size_t bytes_max, size_t frames_max)
{
	frame_queue *q = sot_alloc(sizeof(*q));
	q->bytes = sot_alloc(bytes_max);
	q->bytes_max = bytes_max;
	q->entries = sot_alloc_array(frames_max, sizeof(*q->entries));
	q->entries_max = frames_max;
	return q;
}

frame_queue *frame_queue_free(frame_queue *q)
{
	if (!q)
		return NULL;
	free(q->bytes);
	free(q->entries);
	free(q);
	return NULL;
}

static const entry *front(const frame_queue *q)
{
	return &q->entries[q->entry_head];
}

static void drop_front(frame_queue *q)
{
	size_t size = front(q)->size;
	assert(q->entry_count > 0 && size <= q->used);
	q->head = (q->head + size) % q->bytes_max;
	q->used -= size;
	q->entry_head = (q->entry_head + 1) % q->entries_max;
	q->entry_count--;
}

static void copy_in(frame_queue *q, sot_str frame)
{
	size_t tail = (q->head + q->used) % q->bytes_max;
	size_t first = frame.n <= q->bytes_max - tail ? frame.n : q->bytes_max - tail;
	memcpy(q->bytes + tail, frame.p, first);
	memcpy(q->bytes, frame.p + first, frame.n - first);
	q->used += frame.n;
}

static void copy_out(const frame_queue *q, size_t offset, size_t n, char *dst)
{
	size_t from = (q->head + offset) % q->bytes_max;
	size_t first = n <= q->bytes_max - from ? n : q->bytes_max - from;
	memcpy(dst, q->bytes + from, first);
	memcpy(dst + first, q->bytes, n - first);
}

bool frame_queue_push(frame_queue *q, sot_str frame, int64_t expires_unix_ms)
{
	if (frame.n == 0 || frame.n > q->bytes_max || frame.n > UINT32_MAX) {
		q->overflowed++;
		return false;
	}
	while (q->entry_count == q->entries_max || q->bytes_max - q->used < frame.n) {
		drop_front(q);
		q->overflowed++;
	}
	copy_in(q, frame);
	size_t at = (q->entry_head + q->entry_count) % q->entries_max;
	q->entries[at] = (entry){(uint32_t)frame.n, expires_unix_ms};
	q->entry_count++;
	q->pushed++;
	return true;
}

void frame_queue_expire(frame_queue *q, int64_t now_unix_ms)
{
	while (q->entry_count > 0 && front(q)->expires_unix_ms <= now_unix_ms) {
		drop_front(q);
		q->expired++;
	}
}

/* Up to the first that is expired: a tree of the last hour may stand behind those of this one. */
static size_t whole_frames(const frame_queue *q, size_t bytes_wanted, int64_t now_unix_ms)
{
	size_t n = 0;
	for (size_t i = 0; i < q->entry_count; i++) {
		const entry *e = &q->entries[(q->entry_head + i) % q->entries_max];
		if (e->expires_unix_ms <= now_unix_ms || (n > 0 && n + e->size > bytes_wanted))
			break;
		n += e->size;
	}
	return n;
}

int frame_queue_peek(
    frame_queue *q, size_t bytes_wanted, int64_t now_unix_ms, struct iovec ret[static 2])
{
	frame_queue_expire(q, now_unix_ms);
	size_t n = whole_frames(q, bytes_wanted, now_unix_ms);
	if (n == 0)
		return 0;
	size_t first = n <= q->bytes_max - q->head ? n : q->bytes_max - q->head;
	ret[0] = (struct iovec){q->bytes + q->head, first};
	ret[1] = (struct iovec){q->bytes, n - first};
	return n > first ? 2 : 1;
}

void frame_queue_take(frame_queue *q, size_t n, char *rest, size_t *ret_rest)
{
	*ret_rest = 0;
	while (n > 0) {
		size_t size = front(q)->size;
		if (size > n) {
			*ret_rest = size - n;
			copy_out(q, n, size - n, rest);
			n = size;
		}
		drop_front(q);
		n -= size;
	}
}

frame_queue_stats frame_queue_get_stats(const frame_queue *q)
{
	return (frame_queue_stats){q->pushed, q->overflowed, q->expired, q->entry_count, q->used};
}
