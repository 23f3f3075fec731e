/* Files of machines: whatever the bytes, rows and errors are JSON, nothing is accepted without a
 * row, and every error names a line of the file. */
#include "gw_machines.h"

#include "gw_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gw_machines m;
	size_t lines = 1;
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' ? 1 : 0;
	gw_machines_init(&m);
	gw_machines_read((sot_str){(const char *)data, size}, &m);
	json_t *rows = json_loadb(m.rows.n > 0 ? m.rows.p : "", m.rows.n, JSON_REJECT_DUPLICATES, NULL);
	json_t *errors = json_loadb(m.errors.n > 0 ? m.errors.p : "", m.errors.n, 0, NULL);
	check(json_array_size(rows) == m.row_count && json_is_array(errors));
	check(m.error_count > 0 || m.row_count > 0);
	for (size_t i = 0; i < json_array_size(errors); i++) {
		int64_t line = gw_json_int(json_array_get(errors, i), "line", -1);
		check(line >= 0 && line <= (int64_t)lines);
	}
	json_decref(rows);
	json_decref(errors);
	gw_machines_clear(&m);
	return 0;
}
