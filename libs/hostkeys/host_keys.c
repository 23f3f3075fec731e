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

bool host_keys_take(bus_roster *r, const store_result *rows, size_t *ret_denied)
{
	sot_err err = {0};
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
	return true;
}
