/* Inventories of Ansible: whatever the bytes, rows and errors are JSON, nothing is accepted without
 * a row, and every error names a line of the text. What stands before the first NUL is the group.
 */
#include "gw_machines.h"

#include "gw_json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static int64_t lines_of(sot_str text)
{
	int64_t lines = 1;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n' ? 1 : 0;
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gw_machines m;
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t group_n = nul != NULL ? (size_t)(nul - data) : 0;
	size_t begin = nul != NULL ? group_n + 1 : 0;
	sot_str text = {(const char *)data + begin, size - begin};
	gw_machines_init(&m);
	gw_machines_read_inventory(text, (sot_str){(const char *)data, group_n}, &m);
	json_t *rows = json_loadb(m.rows.n > 0 ? m.rows.p : "", m.rows.n, JSON_REJECT_DUPLICATES, NULL);
	json_t *errors = json_loadb(m.errors.n > 0 ? m.errors.p : "", m.errors.n, 0, NULL);
	check(json_array_size(rows) == m.row_count && json_is_array(errors));
	check(m.error_count > 0 || m.row_count > 0);
	for (size_t i = 0; i < json_array_size(errors); i++) {
		int64_t line = gw_json_int(json_array_get(errors, i), "line", -1);
		check(line >= 0 && line <= lines_of(text));
	}
	json_decref(rows);
	json_decref(errors);
	gw_machines_clear(&m);
	return 0;
}
