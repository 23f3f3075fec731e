#include "migration_list.h"

#include "sot_file.h"
#include "sot_parse.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 4 * 1024 * 1024, NUMBER_DIGITS = 4 };

static int is_sql(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);
	return n > 4 && strcmp(entry->d_name + n - 4, ".sql") == 0;
}

static sot_code read_one(const char *dir, const char *name, migration *m, sot_err *err)
{
	uint64_t number;
	sot_str digits = {name, NUMBER_DIGITS};
	if (strlen(name) >= sizeof(m->name) || name[NUMBER_DIGITS] != '_' ||
	    sot_parse_u64(digits, 1, MIGRATIONS_MAX, &number, NULL) != SOT_OK)
		return sot_fail(err, SOT_INVALID, "%s/%s: a migration is called NNNN_words.sql", dir, name);
	m->number = (unsigned)number;
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (sot_file_read(path, &m->sql, err) != SOT_OK)
		return err ? err->code : SOT_INVALID;
	if (m->sql.n == 0)
		return sot_fail(err, SOT_INVALID, "%s is empty", path);
	if (memchr(m->sql.p, '\0', m->sql.n))
		return sot_fail(err, SOT_INVALID, "%s holds a NUL byte", path);
	return SOT_OK;
}

/* Numbers rise; one may be missing: it is reserved for work that has not landed. */
static sot_code check_newest(const char *dir, const migration_list *list, sot_err *err)
{
	const migration *m = &list->items[list->count - 1];
	if (list->count == 1 || m->number > m[-1].number)
		return SOT_OK;
	return sot_fail(err, SOT_INVALID, "%s/%s: number %04u is used twice", dir, m->name, m->number);
}

sot_code migration_list_read(const char *dir, migration_list *ret, sot_err *err)
{
	struct dirent **entries;
	int found = scandir(dir, &entries, is_sql, alphasort);
	if (found < 0)
		return sot_fail_errno(err, SOT_NOT_FOUND, errno, "reading the folder %s", dir);
	migration_list list = {.items = sot_alloc_array((size_t)found + 1, sizeof(*list.items))};
	sot_code code = SOT_OK;
	for (int i = 0; i < found; i++) {
		if (code == SOT_OK) {
			migration *m = &list.items[list.count];
			sot_buf_init(&m->sql, FILE_BYTES_MAX);
			list.count++;
			code = read_one(dir, entries[i]->d_name, m, err);
			if (code == SOT_OK)
				code = check_newest(dir, &list, err);
		}
		free(entries[i]);
	}
	free(entries);
	if (code == SOT_OK && found == 0)
		code = sot_fail(err, SOT_NOT_FOUND, "%s holds no migration NNNN_words.sql", dir);
	if (code != SOT_OK)
		migration_list_clear(&list);
	else
		*ret = list;
	return code;
}

void migration_list_clear(migration_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		sot_buf_clear(&list->items[i].sql);
	free(list->items);
	*list = (migration_list){0};
}
