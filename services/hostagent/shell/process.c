#include "process.h"

#include <stdio.h>
#include <string.h>

#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"

enum { STAT_MAX = 4096, START_COLUMN = 22, STATE_COLUMN = 3 };

bool process_parse_stat(sot_str text, uint64_t *ret)
{
	/* The second column is the program's name in parentheses, which may hold blanks and ')'. */
	const char *end = text.n > 0 ? memrchr(text.p, ')', text.n) : NULL;
	*ret = 0;
	if (!end || (size_t)(end - text.p) + 2 >= text.n)
		return true; /* it is there, whatever the file looks like */
	sot_str rest = {end + 2, text.n - (size_t)(end - text.p) - 2};
	char state = rest.p[0];
	sot_str column = {0};
	for (int i = STATE_COLUMN; i <= START_COLUMN; i++)
		column = sot_str_cut(rest, ' ', &rest);
	if (sot_parse_u64(column, 0, UINT64_MAX, ret, NULL) != SOT_OK)
		*ret = 0;
	return state != 'Z' && state != 'X';
}

bool process_read_start(int pid, uint64_t *ret)
{
	char path[32];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, STAT_MAX);
	*ret = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	sot_code code = sot_file_read(path, &text, NULL);
	if (code == SOT_OK)
		return process_parse_stat(sot_buf_str(&text), ret);
	return code != SOT_NOT_FOUND;
}
