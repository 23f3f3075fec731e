/* store_array - array parameters. What type the elements have is known when the statement was
 * described, on a connection; a transaction may be built before. So items are kept as they were
 * given, and become what the type wants when the transaction is sent: in binary where it is the
 * type that the item was given as (PostgreSQL reads a text array character by character, which was
 * a seventh of an allocation), else as the text of an array.
 *
 * Format of a binary array: dimensions i32, has nulls i32, element type u32, length i32, lower
 * bound i32; for each item its size i32 (-1: NULL) and its bytes. All in network order
 * (array_recv).
 */
#include "store_internal.h"

#include "sot_parse.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* What items are kept as: one of these, then the value. */
typedef enum item_kind {
	ITEM_NULL,
	ITEM_STR, /* length u32, bytes */
	ITEM_I64,
	ITEM_BOOL,
	ITEM_UUID,
	ITEM_IP,
	ITEM_MAC,
} item_kind;

static void begin_item(store_tx *tx, item_kind kind)
{
	assert(tx->in_array && "store_arg_array_begin comes first");
	store_param *param = &tx->params[tx->param_count - 1];
	param->items++;
	param->kinds |= 1u << kind;
	sot_buf_add_char(&tx->text, (char)kind);
}

void store_item_str(store_tx *tx, sot_str s)
{
	uint32_t n = (uint32_t)s.n;
	assert(s.n <= STORE_TX_BYTES_MAX);
	begin_item(tx, ITEM_STR);
	sot_buf_add(&tx->text, &n, sizeof(n));
	store_tx_add_text(tx, s);
}

void store_item_i64(store_tx *tx, int64_t v)
{
	store_param *param = &tx->params[tx->param_count - 1];
	begin_item(tx, ITEM_I64);
	param->lowest = v < param->lowest ? v : param->lowest;
	param->highest = v > param->highest ? v : param->highest;
	sot_buf_add(&tx->text, &v, sizeof(v));
}

void store_item_bool(store_tx *tx, bool v)
{
	begin_item(tx, ITEM_BOOL);
	sot_buf_add_char(&tx->text, v ? 1 : 0);
}

void store_item_uuid(store_tx *tx, sot_uuid v)
{
	begin_item(tx, ITEM_UUID);
	sot_buf_add(&tx->text, &v, sizeof(v));
}

void store_item_ip(store_tx *tx, sot_ip v)
{
	if (sot_ip_is_none(v)) {
		store_item_null(tx);
		return;
	}
	begin_item(tx, ITEM_IP);
	sot_buf_add(&tx->text, &v, sizeof(v));
}

void store_item_ipv4(store_tx *tx, uint32_t v)
{
	store_item_ip(tx, sot_ip_from_v4(v));
}

void store_item_mac(store_tx *tx, const uint8_t mac[6])
{
	begin_item(tx, ITEM_MAC);
	sot_buf_add(&tx->text, mac, 6);
}

void store_item_null(store_tx *tx)
{
	begin_item(tx, ITEM_NULL);
}

/* ---- reading what was kept ---- */

typedef struct item {
	item_kind kind;
	sot_str str;
	int64_t number; /* of ITEM_BOOL too */
	sot_uuid uuid;
	sot_ip ip;
	uint8_t mac[6];
} item;

static const char *take(const char *p, void *dst, size_t n)
{
	memcpy(dst, p, n);
	return p + n;
}

/* Returns where the next one begins. */
static const char *read_item(const char *p, item *ret)
{
	uint32_t n;
	*ret = (item){.kind = (item_kind)*p++};
	switch (ret->kind) {
	case ITEM_NULL:
		break;
	case ITEM_STR:
		p = take(p, &n, sizeof(n));
		ret->str = (sot_str){p, n};
		p += n;
		break;
	case ITEM_I64:
		p = take(p, &ret->number, sizeof(ret->number));
		break;
	case ITEM_BOOL:
		ret->number = *p++;
		break;
	case ITEM_UUID:
		p = take(p, &ret->uuid, sizeof(ret->uuid));
		break;
	case ITEM_IP:
		p = take(p, &ret->ip, sizeof(ret->ip));
		break;
	case ITEM_MAC:
		p = take(p, ret->mac, sizeof(ret->mac));
		break;
	}
	return p;
}

/* ---- binary ---- */

static void add_u32(sot_buf *out, uint32_t v)
{
	const uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
	sot_buf_add(out, b, sizeof(b));
}

/* As inet_recv wants it: family, bits, is_cidr, size, bytes. */
static void add_inet(const item *i, sot_buf *out)
{
	enum { PGSQL_INET = 2, PGSQL_INET6 = 3 };
	bool is_v6 = i->ip.family == 6;
	const uint8_t head[4] = {is_v6 ? PGSQL_INET6 : PGSQL_INET, is_v6 ? 128 : 32, 0, is_v6 ? 16 : 4};
	add_u32(out, sizeof(head) + head[3]);
	sot_buf_add(out, head, sizeof(head));
	if (is_v6) {
		sot_buf_add(out, i->ip.b, 16);
	} else {
		add_u32(out, sot_ip_v4(i->ip));
	}
}

static void add_int2(const item *i, sot_buf *out)
{
	const uint8_t b[2] = {(uint8_t)((uint64_t)i->number >> 8), (uint8_t)i->number};
	add_u32(out, sizeof(b));
	sot_buf_add(out, b, sizeof(b));
}

static void add_int4(const item *i, sot_buf *out)
{
	add_u32(out, 4);
	add_u32(out, (uint32_t)i->number);
}

static void add_int8(const item *i, sot_buf *out)
{
	add_u32(out, 8);
	add_u32(out, (uint32_t)((uint64_t)i->number >> 32));
	add_u32(out, (uint32_t)i->number);
}

static void add_bool(const item *i, sot_buf *out)
{
	add_u32(out, 1);
	sot_buf_add_char(out, (char)i->number);
}

static void add_str(const item *i, sot_buf *out)
{
	add_u32(out, (uint32_t)i->str.n);
	sot_buf_add_str(out, i->str);
}

static void add_uuid(const item *i, sot_buf *out)
{
	add_u32(out, sizeof(i->uuid.b));
	sot_buf_add(out, i->uuid.b, sizeof(i->uuid.b));
}

static void add_mac(const item *i, sot_buf *out)
{
	add_u32(out, sizeof(i->mac));
	sot_buf_add(out, i->mac, sizeof(i->mac));
}

/* By the fixed OIDs of pg_type.dat. */
static const struct array_type {
	Oid oid, element;
	item_kind kind; /* other items are sent as text */
	int64_t lowest, highest;
	void (*add)(const item *i, sot_buf *out);
} array_types[] = {
    {1000, 16, ITEM_BOOL, 0, 0, add_bool},
    {1005, 21, ITEM_I64, INT16_MIN, INT16_MAX, add_int2},
    {1007, 23, ITEM_I64, INT32_MIN, INT32_MAX, add_int4},
    {1009, 25, ITEM_STR, 0, 0, add_str},
    {1016, 20, ITEM_I64, INT64_MIN, INT64_MAX, add_int8},
    {1040, 829, ITEM_MAC, 0, 0, add_mac},
    {1041, 869, ITEM_IP, 0, 0, add_inet},
    {2951, 2950, ITEM_UUID, 0, 0, add_uuid},
};

static const struct array_type *binary_type(const store_param *param, Oid oid)
{
	for (size_t i = 0; i < sizeof(array_types) / sizeof(array_types[0]); i++) {
		const struct array_type *t = &array_types[i];
		if (t->oid == oid)
			return (param->kinds & ~(1u << ITEM_NULL | 1u << t->kind)) == 0 &&
			               param->lowest >= t->lowest && param->highest <= t->highest
			           ? t
			           : NULL;
	}
	return NULL;
}

static void write_binary(
    const store_param *param, const char *items, const struct array_type *type, sot_buf *out)
{
	add_u32(out, param->items > 0);
	add_u32(out, (param->kinds & 1u << ITEM_NULL) != 0);
	add_u32(out, type->element);
	if (param->items == 0)
		return;
	add_u32(out, (uint32_t)param->items);
	add_u32(out, 1);
	for (size_t k = 0; k < param->items; k++) {
		item i;
		items = read_item(items, &i);
		if (i.kind == ITEM_NULL)
			add_u32(out, UINT32_MAX);
		else
			type->add(&i, out);
	}
}

/* ---- text ---- */

/* Always quoted: so that NULL, empty texts, blanks, commas and braces need no rule of their own. */
static void add_quoted(sot_str s, sot_buf *out)
{
	sot_buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			sot_buf_add_char(out, '\\');
		sot_buf_add_char(out, s.p[i]);
	}
	sot_buf_add_char(out, '"');
}

static void add_item_text(const item *i, sot_buf *out)
{
	char text[SOT_IP_TEXT];
	switch (i->kind) {
	case ITEM_NULL:
		sot_buf_add_c(out, "NULL");
		break;
	case ITEM_STR:
		add_quoted(i->str, out);
		break;
	case ITEM_I64:
		sot_buf_printf(out, "%" PRId64, i->number);
		break;
	case ITEM_BOOL:
		sot_buf_add_char(out, i->number ? 't' : 'f');
		break;
	case ITEM_UUID:
		sot_buf_add_c(out, sot_uuid_format(i->uuid, text));
		break;
	case ITEM_IP:
		sot_buf_add_c(out, sot_ip_format(i->ip, text));
		break;
	case ITEM_MAC:
		sot_buf_add_c(out, sot_format_mac(i->mac, text));
		break;
	}
}
_Static_assert((int)SOT_IP_TEXT >= (int)SOT_UUID_TEXT, "any item fits but a string");

static void write_text(const store_param *param, const char *items, sot_buf *out)
{
	sot_buf_add_char(out, '{');
	for (size_t k = 0; k < param->items; k++) {
		item i;
		items = read_item(items, &i);
		if (k > 0)
			sot_buf_add_char(out, ',');
		add_item_text(&i, out);
	}
	sot_buf_add_char(out, '}');
	sot_buf_add_char(out, '\0');
}

bool store_array_write(const store_param *param, const char *items, Oid type, sot_buf *out)
{
	const struct array_type *binary = binary_type(param, type);
	if (binary)
		write_binary(param, items, binary, out);
	else
		write_text(param, items, out);
	return binary != NULL;
}
