/* sot_config - one table per service gives parser, --help, documentation and a dump.
 *
 * A service has `config.def`, an X-macro file with one line per key:
 *   CONFIG(name, type, default, min, max, doc)
 * with type one of STRING, INT, BOOL, SECRET (a string that is masked in dumps), and builds with
 * SOT_CONFIG_STRUCT a struct with those members and with SOT_CONFIG_TABLE the table. Sources in
 * order: default, file (`key = value`, '#' comments), environment SOT_<SERVICE>_<KEY upper case>,
 * command line --key=value. An unknown key, a duplicate key in a file, or a value out of bounds
 * refuses the start with the name of the key, the file and the line.
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

#define SOT_CONFIG_VALUE_MAX 512
typedef struct sot_config_text { char s[SOT_CONFIG_VALUE_MAX]; } sot_config_text;

typedef struct sot_config_key {
	const char *name;
	sot_config_type type;
	const char *default_text; /* "" for an empty string; NULL = must be given */
	int64_t min, max;         /* INT: value bounds; STRING and SECRET: length bounds */
	const char *doc;
	size_t offset; /* of the member in the service's struct: char[512], int64_t or bool */
} sot_config_key;

/* Member declarations of the service's struct, and table rows; see services/ipam/main.c. */
#define SOT_CONFIG_MEMBER_STRING(name) char name[SOT_CONFIG_VALUE_MAX];
#define SOT_CONFIG_MEMBER_SECRET(name) char name[SOT_CONFIG_VALUE_MAX];
#define SOT_CONFIG_MEMBER_INT(name) int64_t name;
#define SOT_CONFIG_MEMBER_BOOL(name) bool name;

/* Fills `config` from all sources. `argv` may hold --config=FILE, --key=value, --help, --version
 * and --check-config. *ret_exit is true when the program should end at once with success (help,
 * version, check-config: their text was printed). */
sot_code sot_config_load(const char *service, const sot_config_key *keys, size_t key_count,
	int argc, char **argv, void *config, bool *ret_exit, sot_err *err) SOT_CHECK;
/* One "key = value" line each, secrets masked. */
void sot_config_dump(const sot_config_key *keys, size_t key_count, const void *config, sot_buf *out);

#endif
