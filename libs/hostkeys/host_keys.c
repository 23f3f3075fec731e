#include "host_keys.h"

#include "sot_log.h"

static sot_code take_row(bus_roster *r, const store_result *rows, size_t row, sot_err *err)
{
	sot_uuid id;
	bool denied = false;
	sot_code code = store_uuid(rows, row, 0, &id, err);
	if (code == SOT_OK)
		code = store_bool(rows, row, 2, &denied, err);
	if (code == SOT_OK && !denied)
		code = bus_roster_add_host(r, store_text(rows, row, 1), id, err);
	return code;
}

void host_keys_keep_stamp(host_keys_stamp *stamp, const store_result *rows)
{
	sot_err err = {0};
	if (store_rows(rows) > 0 &&
	    sot_str_copy(store_text(rows, 0, 3), stamp->text, sizeof(stamp->text), &err) != SOT_OK)
		stamp->text[0] = '\0'; /* all rows come again */
}

bool host_keys_take(
    bus_roster *r, host_keys_stamp *stamp, const store_result *rows, size_t *ret_denied)
{
	sot_err err = {0};
	if (ret_denied)
		*ret_denied = 0;
	if (store_rows(rows) == 0)
		return true;
	bus_roster_begin(r);
	for (size_t row = 0; row < store_rows(rows); row++) {
		if (take_row(r, rows, row, &err) != SOT_OK) {
			sot_log_err(SOT_ERROR, "keys.bad_row", &err, "row=%zu", row);
			return false;
		}
	}
	size_t denied = bus_roster_end(r);
	if (ret_denied)
		*ret_denied = denied;
	host_keys_keep_stamp(stamp, rows);
	return true;
}
