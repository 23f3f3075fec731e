/* migration_list - the files NNNN_words.sql of a folder, in order. Blocking I/O. */
#ifndef MIGRATION_LIST_H
#define MIGRATION_LIST_H

#include "sot_mem.h"

enum { MIGRATIONS_MAX = 9999, MIGRATION_NAME_MAX = 128 };

typedef struct migration {
	unsigned number; /* from 1 */
	char name[MIGRATION_NAME_MAX];
	sot_buf sql;     /* the content of the file */
	bool is_applied; /* as the database says */
} migration;

typedef struct migration_list {
	migration *items;
	size_t count;
} migration_list;

/* SOT_INVALID names a file that does not fit or a number that is used twice. The caller clears the
 * list; it is empty on failure. */
sot_code migration_list_read(const char *dir, migration_list *ret, sot_err *err) SOT_CHECK;
void migration_list_clear(migration_list *list);

#endif
