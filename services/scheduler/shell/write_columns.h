/* write_columns - rows as arrays by column, as the statements of a batch take them. Private to
 * shell/; a function that uses it has the transaction as `tx`.
 */
#ifndef SCHEDULER_WRITE_COLUMNS_H
#define SCHEDULER_WRITE_COLUMNS_H

#include "internal.h"
#include "sot_parse.h"

/* One array parameter: `expression` sees `row`. */
#define COLUMN(rows, count, item, expression)                                                      \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (size_t k_ = 0; k_ < (count); k_++) {                                                  \
			__typeof__((rows)[0]) row = (rows)[k_];                                                \
			item(tx, expression);                                                                  \
		}                                                                                          \
		store_arg_array_end(tx);                                                                   \
	} while (0)
/* As COLUMN for arrays of values instead of pointers. */
#define VALUES(rows, count, item, expression)                                                      \
	do {                                                                                           \
		store_arg_array_begin(tx);                                                                 \
		for (size_t k_ = 0; k_ < (count); k_++) {                                                  \
			const __typeof__((rows)[0]) *row = &(rows)[k_];                                        \
			item(tx, expression);                                                                  \
		}                                                                                          \
		store_arg_array_end(tx);                                                                   \
	} while (0)

static inline void item_c(store_tx *tx, const char *c)
{
	store_item_str(tx, sot_str_c(c));
}

static inline void item_u64(store_tx *tx, uint64_t v)
{
	store_item_i64(tx, (int64_t)v);
}

/* The zero id is NULL. */
static inline void item_id(store_tx *tx, sot_uuid id)
{
	if (sot_uuid_is_zero(id))
		store_item_null(tx);
	else
		store_item_uuid(tx, id);
}

static inline void item_digest(store_tx *tx, const uint8_t *digest)
{
	char hex[65];

	sot_hex_encode(digest, 32, hex);
	item_c(tx, hex);
}

/* How the address of the row is used; nothing of it while there is none. */
static inline const subnet_way *way_of(const instance_row *row, const held_address *held)
{
	static const subnet_way none;

	if (sot_ip_is_none(held->address))
		return &none;
	return held == &row->v4 ? &row->make->net->v4 : &row->make->net->v6;
}

static inline void item_container(store_tx *tx, const container_ref *c)
{
	char text[CONTAINER_TEXT];

	item_c(tx, container_ref_text(c, text));
}

/* ---- write.c: what the statement for any row and the one for a plain new row begin with ---- */
/* Name to command, and times to on_return. */
void app_columns(store_tx *tx, const app_row **r, size_t n);
void app_policy_columns(store_tx *tx, const app_row **r, size_t n);
/* What is JSON of an app. */
void app_health_json(const app_row *row, sot_buf *json);
void app_env_json(const app_row *row, sot_buf *json);
void app_placement_json(const app_row *row, sot_buf *json);
void group_columns(store_tx *tx, const group_row **r, size_t n);
/* What instances are told of their VLAN: vlan to dns_search. */
void network_columns(store_tx *tx, const instance_row **r, size_t n);

/* ---- write_catalog.c ---- */
void write_images(store_tx *tx, const image_row **r, size_t n);
void write_image_versions(store_tx *tx, const image_version_row *r, size_t n);
void write_middleware(store_tx *tx, const middleware_row *r, size_t n);
void write_versions(store_tx *tx, const version_row *r, size_t n);

#endif
