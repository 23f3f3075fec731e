/* import_netbox_scan - cuts a file of NetBox into its objects without parsing them, so that memory
 * does not grow with the file and each object is known by its line. */
#include "import_netbox.h"

#include <string.h>

static void step(netbox_scan *scan)
{
	if (scan->file.p[scan->at++] == '\n')
		scan->line++;
}

/* Past the string that begins here; its content. */
static sot_str take_string(netbox_scan *scan)
{
	step(scan);
	size_t start = scan->at;
	while (scan->at < scan->file.n && scan->file.p[scan->at] != '"') {
		if (scan->file.p[scan->at] == '\\' && scan->at + 1 < scan->file.n)
			step(scan);
		step(scan);
	}
	sot_str content = {scan->file.p + start, scan->at - start};
	if (scan->at < scan->file.n)
		step(scan);
	return content;
}

/* Past the object that begins here. */
static void take_object(netbox_scan *scan)
{
	size_t depth = 0;
	while (scan->at < scan->file.n) {
		char c = scan->file.p[scan->at];
		if (c == '"') {
			(void)take_string(scan);
			continue;
		}
		step(scan);
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return;
	}
}

/* Does an answer, {"count":2,"results":[...]}, begin here? Then on its `results`, past the '['. */
static bool enter_results(netbox_scan *scan)
{
	netbox_scan look = *scan;
	sot_str key = {0};
	step(&look);
	while (look.at < look.file.n && look.file.p[look.at] != '}') {
		char c = look.file.p[look.at];
		if (c == '"') {
			key = take_string(&look);
		} else if (c == '[' && sot_str_eq_c(key, "results")) {
			step(&look);
			*scan = look;
			return true;
		} else if (c == '{' || c == '[') {
			take_object(&look);
		} else {
			if (c == ',')
				key = (sot_str){0};
			step(&look);
		}
	}
	return false;
}

bool netbox_next(netbox_scan *scan, sot_str *ret_object, uint32_t *ret_line)
{
	while (scan->at < scan->file.n) {
		char c = scan->file.p[scan->at];
		if (c == '"') {
			(void)take_string(scan);
		} else if (c == '{' && !enter_results(scan)) {
			size_t start = scan->at;
			*ret_line = scan->line;
			take_object(scan);
			*ret_object = (sot_str){scan->file.p + start, scan->at - start};
			return true;
		} else if (c != '{') {
			step(scan);
		}
	}
	return false;
}
