/* Allocation that aborts, and the arena of one message. */
#include "sot_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t size)
{
	fprintf(stderr, "out of memory: %zu bytes\n", size);
	abort();
}

void *sot_alloc(size_t size)
{
	return sot_alloc_array(1, size);
}

void *sot_alloc_array(size_t count, size_t size)
{
	/* calloc checks the product; at least one byte, so that NULL always means failure. */
	void *p = calloc(count ? count : 1, size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

void *sot_resize_array(void *p, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		out_of_memory(SIZE_MAX);
	void *resized = realloc(p, bytes ? bytes : 1);
	if (!resized)
		out_of_memory(bytes);
	return resized;
}

void *sot_grow_array(void *p, size_t old_count, size_t count, size_t size)
{
	char *grown = sot_resize_array(p, count, size);
	if (count > old_count)
		memset(grown + old_count * size, 0, (count - old_count) * size);
	return grown;
}

char *sot_strdup(const char *c)
{
	return sot_strndup(sot_str_c(c));
}

char *sot_strndup(sot_str s)
{
	char *copy = sot_alloc(s.n + 1);
	if (s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}

#define ARENA_ALIGN 16u
#define ARENA_CHUNK_MIN 4096u

typedef struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(ARENA_ALIGN) char data[];
} chunk;

struct sot_arena {
	chunk *chunks; /* the newest first; the only one with room */
	size_t max, used;
};

sot_arena *sot_arena_new(size_t max_bytes)
{
	sot_arena *a = sot_alloc(sizeof(*a));
	a->max = max_bytes;
	return a;
}

static void free_chunks(chunk *c)
{
	while (c) {
		chunk *next = c->next;
		free(c);
		c = next;
	}
}

sot_arena *sot_arena_free(sot_arena *a)
{
	if (a)
		free_chunks(a->chunks);
	free(a);
	return NULL;
}

void sot_arena_reset(sot_arena *a)
{
	/* One chunk is kept: most messages fit into it, and the next one needs no malloc. */
	if (a->chunks) {
		free_chunks(a->chunks->next);
		a->chunks->next = NULL;
		a->chunks->used = 0;
	}
	a->used = 0;
}

size_t sot_arena_used(const sot_arena *a)
{
	return a->used;
}

static void add_chunk(sot_arena *a, size_t least)
{
	size_t size = a->chunks ? a->chunks->size * 2 : ARENA_CHUNK_MIN;
	if (size > a->max)
		size = a->max;
	if (size < least)
		size = least;
	chunk *c = malloc(sizeof(*c) + size);
	if (!c)
		out_of_memory(size);
	*c = (chunk){.next = a->chunks, .size = size};
	a->chunks = c;
}

void *sot_arena_alloc(sot_arena *a, size_t size)
{
	if (size > a->max - a->used)
		return NULL;
	/* An empty allocation gets an address of its own: NULL means only "ceiling". */
	size_t rounded = ((size ? size : 1) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (rounded > a->max - a->used)
		return NULL;
	if (!a->chunks || rounded > a->chunks->size - a->chunks->used)
		add_chunk(a, rounded);
	void *p = a->chunks->data + a->chunks->used;
	a->chunks->used += rounded;
	a->used += rounded;
	return memset(p, 0, rounded);
}

sot_str sot_arena_dup(sot_arena *a, sot_str s)
{
	if (s.n >= SIZE_MAX - ARENA_ALIGN)
		return (sot_str){NULL, 0};
	char *copy = sot_arena_alloc(a, s.n + 1);
	if (!copy)
		return (sot_str){NULL, 0};
	if (s.n)
		memcpy(copy, s.p, s.n);
	return (sot_str){copy, s.n};
}
