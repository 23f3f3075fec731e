/* gw_json - a request body to checked JSON: strict syntax, then one table of fields.
 *
 * Pure (jansson allocates, nothing else). Refused with a JSON pointer (RFC 6901) to the place:
 * invalid UTF-8, duplicate keys, nesting past 16, more than 20,000 values, unknown or missing
 * fields, wrong types, numbers and lengths out of bounds. All wrong fields are reported at once,
 * at most GW_JSON_ERRORS_MAX.
 */
#ifndef GW_JSON_H
#define GW_JSON_H

#include "sot_ip.h"

#include <jansson.h>

/* The network kinds are texts of one exact form: an address of either family, a network with its
 * prefix length and host bits 0, a MAC with colons, a DNS name of at most 200 bytes (may be ""). */
typedef enum gw_kind {
	GW_TEXT,
	GW_LABEL,
	GW_INT,
	GW_BOOL,
	GW_OBJECT,
	GW_OBJECTS,
	GW_TEXTS,
	GW_IP,
	GW_IPS,
	GW_CIDR,
	GW_MAC,
	GW_ZONE,
} gw_kind;

typedef struct gw_field {
	const char *name;
	gw_kind kind;
	bool required;
	int64_t min, max;              /* GW_INT: value; texts: bytes; lists: items; unused by others */
	const char *words;             /* GW_TEXT: "none tcp http" when only these are allowed */
	const struct gw_field *fields; /* of GW_OBJECT, and of each item of GW_OBJECTS */
	size_t field_count;
	int64_t item_max; /* GW_TEXTS: bytes of an item */
} gw_field;

#define GW_JSON_ERRORS_MAX 16
#define GW_JSON_POINTER_MAX 128
typedef struct gw_json_error {
	char pointer[GW_JSON_POINTER_MAX];
	char detail[SOT_ERR_TEXT_MAX];
} gw_json_error;
typedef struct gw_json_errors {
	size_t count;
	gw_json_error items[GW_JSON_ERRORS_MAX];
} gw_json_errors;

/* The JSON pointer of the value at `offset` of a text that may be broken behind it. Writes "" for
 * the document itself. */
void gw_json_pointer_at(sot_str text, size_t offset, char ret[GW_JSON_POINTER_MAX]);
/* SOT_OK with an object that fits the table (release with json_decref); else SOT_INVALID, with at
 * least one entry in *errors. */
sot_code gw_json_read(sot_str body, const gw_field *fields, size_t field_count, json_t **ret,
    gw_json_errors *errors) SOT_CHECK;

/* Of a checked object: the text (empty when absent), the number (`absent` when absent). */
sot_str gw_json_text(const json_t *object, const char *name);
int64_t gw_json_int(const json_t *object, const char *name, int64_t absent);
bool gw_json_bool(const json_t *object, const char *name, bool absent);
/* Of GW_IP: the address, or none when absent. */
sot_ip gw_json_ip(const json_t *object, const char *name);
/* Of GW_IPS: at most `max` addresses; returns how many. */
size_t gw_json_ips(const json_t *object, const char *name, sot_ip *ret, size_t max);

#endif
