/* sot_config - one table per service gives parser, --help, documentation and a dump.
 *
 * A service has `config.def`, an X-macro file with one line per key:
 *   CONFIG(name, type, default, min, max, doc)
 * with type one of STRING, INT, BOOL, SECRET (a string that is masked in dumps):
 *
 *   CONFIG(requests_endpoint, STRING, "tcp://127.0.0.1:7211", 1, 255, "ROUTER for requests.")
 *   CONFIG(cooling_ms, INT, "60000", 0, 86400000, "How long a released address rests.")
 *   CONFIG(database, SECRET, NULL, 1, 511, "libpq keywords; NULL means: must be given.")
 *
 * and expands it twice, to a struct and to the table that describes it:
 *
 *   typedef struct ipam_config {
 *   #define CONFIG(name, type, ...) SOT_CONFIG_MEMBER_##type(name)
 *   #include "config.def"
 *   #undef CONFIG
 *   } ipam_config;
 *   static const sot_config_key config_keys[] = {
 *   #define CONFIG(name, type, text, min, max, doc) \
 *       SOT_CONFIG_ROW(ipam_config, name, type, text, min, max, doc)
 *   #include "config.def"
 *   #undef CONFIG
 *   };
 *
 * Sources in order: default, file (`key = value`, '#' comments), environment SOT_<SERVICE>_<KEY
 * upper case>, command line --key=value. An unknown key (also in the environment), a duplicate key
 * in a file, or a value out of bounds refuses the start with the name of the key, the file and the
 * line.
 */
#ifndef SOT_CONFIG_H
#define SOT_CONFIG_H

#include "sot_str.h"

typedef enum sot_config_type {
	SOT_CONFIG_STRING,
	SOT_CONFIG_INT,
	SOT_CONFIG_BOOL,
	SOT_CONFIG_SECRET
} sot_config_type;

#define SOT_CONFIG_VALUE_MAX 512 /* with the NUL: length bounds end at 511 */

typedef struct sot_config_key {
	const char *name;
	sot_config_type type;
	const char *default_text; /* "" for an empty string; NULL = must be given */
	int64_t min, max;         /* INT: value bounds; STRING and SECRET: length bounds */
	const char *doc;
	size_t offset; /* of the member in the service's struct: char[512], int64_t or bool */
} sot_config_key;

/* Member declarations of the service's struct, and table rows. */
#define SOT_CONFIG_MEMBER_STRING(name) char name[SOT_CONFIG_VALUE_MAX];
#define SOT_CONFIG_MEMBER_SECRET(name) char name[SOT_CONFIG_VALUE_MAX];
#define SOT_CONFIG_MEMBER_INT(name) int64_t name;
#define SOT_CONFIG_MEMBER_BOOL(name) bool name;
#define SOT_CONFIG_ROW(config, name_, type_, text, min_, max_, doc_)                               \
	{.name = #name_,                                                                               \
	    .type = SOT_CONFIG_##type_,                                                                \
	    .default_text = text,                                                                      \
	    .min = min_,                                                                               \
	    .max = max_,                                                                               \
	    .doc = doc_,                                                                               \
	    .offset = offsetof(config, name_)},

/* Fills `config` from all sources. `argv` may hold --config=FILE, --key=value, --help, --version,
 * --list-failpoints and --check-config. *ret_exit is true when the program should end at once with
 * success (their text was printed). At most 128 keys. `config` is undefined on failure. */
sot_code sot_config_load(const char *service, const sot_config_key *keys, size_t key_count,
    int argc, char **argv, void *config, bool *ret_exit, sot_err *err) SOT_CHECK;
/* One "key = value" line each, secrets masked. */
void sot_config_dump(
    const sot_config_key *keys, size_t key_count, const void *config, sot_buf *out);

#endif
