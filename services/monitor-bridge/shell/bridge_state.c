#include "shell/bridge_state.h"

#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define STATE_FILE_MAX 4096

void bridge_state_reserve(bridge_state *state, int64_t hour, uint32_t bound)
{
	size_t slot = (size_t)(hour % CAT_ID_HOURS);
	if (hour < state->hour[slot])
		return;
	state->hour[slot] = hour;
	state->bound[slot] = bound;
}

static sot_code read_ids(bridge_state *state, sot_str text, sot_err *err)
{
	sot_str bound_text;
	uint64_t hour, bound;
	sot_str hour_text = sot_str_cut(text, ' ', &bound_text);
	sot_code code = sot_parse_u64(hour_text, 1, INT32_MAX, &hour, err);
	if (code == SOT_OK)
		code = sot_parse_u64(bound_text, 0, UINT32_MAX, &bound, err);
	if (code == SOT_OK)
		bridge_state_reserve(state, (int64_t)hour, (uint32_t)bound);
	return code;
}

static sot_code read_line(bridge_state *state, sot_str line, sot_err *err)
{
	sot_str value;
	sot_str word = sot_str_cut(line, ' ', &value);
	if (sot_str_eq_c(word, "ids"))
		return read_ids(state, value, err);
	if (sot_str_eq_c(word, "minute"))
		return sot_parse_i64(value, 0, INT64_MAX, &state->minute, err);
	return sot_fail(err, SOT_INVALID, "unknown word \"%.*s\"", SOT_ARG(word));
}

sot_code bridge_state_load(const char *dir, bridge_state *ret, sot_err *err)
{
	bridge_state state = {.minute = 0};
	int n = snprintf(state.path, sizeof(state.path), "%s/bridge.state", dir);
	if (n < 0 || (size_t)n >= sizeof(state.path))
		return sot_fail(err, SOT_INVALID, "state_dir is too long");
	sot_code code = sot_mkdirs(dir, 0700, err);
	if (code != SOT_OK)
		return code;
	SOT_AUTO_BUF file;
	sot_buf_init(&file, STATE_FILE_MAX);
	if (access(state.path, F_OK) == 0)
		code = sot_file_read(state.path, &file, err);
	sot_str rest = sot_buf_str(&file);
	while (code == SOT_OK && rest.n > 0) {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		code = read_line(&state, line, err);
		if (code != SOT_OK)
			(void)sot_wrap(err, "%s: line \"%.*s\" (remove the file to start anew)", state.path,
			    SOT_ARG(line));
	}
	if (code == SOT_OK)
		*ret = state;
	return code;
}

sot_code bridge_state_save(const bridge_state *state, sot_err *err)
{
	SOT_FAILPOINT("bridge.state.before_save", err);
	SOT_AUTO_BUF text;
	sot_buf_init(&text, STATE_FILE_MAX);
	for (size_t i = 0; i < CAT_ID_HOURS; i++) {
		if (state->hour[i] > 0)
			sot_buf_printf(&text, "ids %" PRId64 " %" PRIu32 "\n", state->hour[i], state->bound[i]);
	}
	sot_buf_printf(&text, "minute %" PRId64 "\n", state->minute);
	return sot_file_write(state->path, sot_buf_str(&text), 0600, err);
}
