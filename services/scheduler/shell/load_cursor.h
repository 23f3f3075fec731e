/* load_cursor - one row of a result, column by column, for the readers of the take-over. Private to
 * load*.c. After a failure the rest reads as zero, and the loader's code and error say why.
 */
#ifndef SCHEDULER_LOAD_CURSOR_H
#define SCHEDULER_LOAD_CURSOR_H

#include "internal.h"

#include <inttypes.h>

#include "sot_parse.h"

typedef struct env_item {
	sot_uuid app_id;
	char *name, *value;
} env_item;

struct loader {
	scheduler *s;
	controller *c;
	shared_pool *shared; /* what instances have in common, as they are read */
	uint64_t epoch;
	env_item *env;
	size_t env_count;
	sot_uuid last_instance; /* read so far, in the order of ids */
	size_t instances_read;  /* by the last question */
	sot_code code;          /* the first row that could not be read */
	sot_err err;
};

typedef struct cursor {
	loader *l;
	const store_result *res;
	size_t row;
	int column;
} cursor;

static inline void note(loader *l, sot_code code)
{
	if (l->code == SOT_OK)
		l->code = code;
}

static inline int64_t number(cursor *at, int64_t lo, int64_t hi)
{
	int64_t value = 0;
	loader *l = at->l;

	if (l->code == SOT_OK)
		note(l, store_i64(at->res, at->row, at->column, &value, &l->err));
	if (l->code == SOT_OK && (value < lo || value > hi))
		note(l, sot_fail(&l->err, SOT_INTERNAL, "column %d: %" PRId64 " is out of range",
		            at->column, value));
	at->column++;
	return value;
}

static inline uint64_t u64(cursor *at)
{
	return (uint64_t)number(at, 0, INT64_MAX);
}

static inline uint32_t u32(cursor *at)
{
	return (uint32_t)number(at, 0, UINT32_MAX);
}

static inline uint16_t u16(cursor *at)
{
	return (uint16_t)number(at, 0, UINT16_MAX);
}

static inline uint8_t u8(cursor *at)
{
	return (uint8_t)number(at, 0, UINT8_MAX);
}

static inline bool flag(cursor *at)
{
	bool value = false;

	if (at->l->code == SOT_OK)
		note(at->l, store_bool(at->res, at->row, at->column, &value, &at->l->err));
	at->column++;
	return value;
}

/* The zero id for NULL. */
static inline sot_uuid id(cursor *at)
{
	sot_uuid value = {{0}};

	if (at->l->code == SOT_OK && !store_is_null(at->res, at->row, at->column))
		note(at->l, store_uuid(at->res, at->row, at->column, &value, &at->l->err));
	at->column++;
	return value;
}

static inline sot_ip ip(cursor *at)
{
	sot_ip value = {0};

	if (at->l->code == SOT_OK)
		note(at->l, store_ip(at->res, at->row, at->column, &value, &at->l->err));
	at->column++;
	return value;
}

static inline sot_str text(cursor *at)
{
	return store_text(at->res, at->row, at->column++);
}

static inline void copy(cursor *at, char *dst, size_t size)
{
	sot_code code = sot_str_copy(text(at), dst, size, &at->l->err);

	note(at->l, code);
}

/* A field that rows have in common; it holds one already, or NULL. */
static inline void read_shared(cursor *at, const char **field)
{
	shared_set(field, at->l->shared, text(at));
}

/* The same for one that hardly ever repeats. */
static inline void read_alone(cursor *at, const char **field)
{
	shared_set_alone(field, text(at));
}

#define COPY(at, field) copy((at), (field), sizeof(field))
/* An enum by its word. */
#define WORD(at, parse, field) note((at)->l, parse(text(at), &(field), &(at)->l->err))
/* Runs the body for every row; `at` is its cursor. */
#define EACH_ROW(at)                                                                               \
	for (cursor at = {self, res, 0, 0};                                                            \
	     ((loader *)self)->code == SOT_OK && at.row < store_rows(res); at.row++, at.column = 0)

static inline void digest(cursor *at, uint8_t dst[static 32])
{
	note(at->l, sot_hex_decode(text(at), dst, 32, &at->l->err));
}

/* ---- load_catalog.c ---- */
void load_on_plans(void *self, const store_result *res);
void load_on_teams(void *self, const store_result *res);
void load_on_host_classes(void *self, const store_result *res);
void load_on_mixing(void *self, const store_result *res);
void load_on_image_versions(void *self, const store_result *res);
void load_on_groups(void *self, const store_result *res);
void load_on_versions(void *self, const store_result *res);
/* What is set of an app; the caller clears it. */
void load_read_settings(cursor *at, app_settings *s);
void load_on_middleware(void *self, const store_result *res);
void load_on_departures(void *self, const store_result *res);
void load_on_rollouts(void *self, const store_result *res);
void load_on_brake(void *self, const store_result *res);
void load_read_class(cursor *at, host_row *row);
/* The owned parts are freed by placement_row_clear. */
void load_read_placement(cursor *at, placement_row *p);
/* ---- load_elastic.c ---- */
void load_on_elastics(void *self, const store_result *res);
void load_on_elastic_rules(void *self, const store_result *res);

#endif
