#include "taken.h"

#include <stdio.h>

#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"

enum { TAKEN_MAX = 1024 * 1024 };

static const char *path_of(const agent *a, char dst[static PLAN_PATH_MAX])
{
	(void)snprintf(dst, PLAN_PATH_MAX, "%s/net/taken", a->config->state_dir);
	return dst;
}

void taken_recall(agent *a)
{
	char path[PLAN_PATH_MAX];
	sot_err err = {0};
	sot_buf_init(&a->taken, TAKEN_MAX);
	sot_code code = sot_file_read(path_of(a, path), &a->taken, &err);
	if (code == SOT_OK)
		reconcile_recall_taken(a->reconcile, sot_buf_str(&a->taken));
	else if (code != SOT_NOT_FOUND)
		sot_log_err(SOT_ERROR, "taken.unreadable", &err, "%s", "");
}

static sot_code write_lines(const agent *a, sot_str lines, sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_FAILPOINT("hostagent.taken.before_write", err);
	return sot_file_write(path_of(a, path), lines, 0644, err);
}

void taken_store(agent *a)
{
	SOT_AUTO_BUF lines;
	sot_err err = {0};
	sot_buf_init(&lines, TAKEN_MAX);
	reconcile_taken(a->reconcile, &lines);
	if (sot_str_eq(sot_buf_str(&lines), sot_buf_str(&a->taken)))
		return;
	bool ok = write_lines(a, sot_buf_str(&lines), &err) == SOT_OK;
	if (!ok && !a->taken_failed)
		sot_log_err(SOT_ERROR, "taken.store", &err, "%s", "");
	a->taken_failed = !ok;
	if (!ok)
		return;
	sot_buf_reset(&a->taken);
	sot_buf_add_str(&a->taken, sot_buf_str(&lines));
}
