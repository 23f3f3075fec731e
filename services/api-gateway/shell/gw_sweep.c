#include "gw_sweep.h"

#include "gw_orphan.h"
#include "gw_s3.h"
#include "gw_sql.h"
#include "gw_uploads.h"
#include "sot_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_EVERY_MS (3600 * 1000)
#define LOOKED_AT_MAX 5000
#define CANDIDATES_MAX 1000

struct gw_sweep {
	gateway *g; /* NULL: the gateway is gone, the work's end releases this */
	reactor_watch *timer;
	sot_metric *removed_total;
	char folder[512];
	gw_s3 s3;
	DIR *dir; /* stays open between sweeps: the next one goes on where this one ended */
	bool busy, working;
	int64_t upload_expiry_s;
	size_t count, removed, expired;
	char names[CANDIDATES_MAX][65];
	bool gone[CANDIDATES_MAX]; /* nothing is left of it, here and in the bucket */
};

static void release(gw_sweep *s)
{
	if (s->dir != NULL)
		(void)closedir(s->dir);
	free(s);
}

/* False when the gateway has gone meanwhile; then `s` is gone, too. */
static bool take_back(gw_sweep *s)
{
	s->working = false;
	if (s->g != NULL)
		return true;
	release(s);
	return false;
}

/* ---- on the work queue ---- */
static void look(void *arg)
{
	gw_sweep *s = arg;
	struct dirent *entry;
	int64_t now = (int64_t)time(NULL);
	s->count = 0;
	s->expired = gw_uploads_sweep(s->folder, now, s->upload_expiry_s);
	if (s->dir == NULL)
		s->dir = opendir(s->folder);
	for (int i = 0; s->dir != NULL && i < LOOKED_AT_MAX && s->count < CANDIDATES_MAX; i++) {
		struct stat st;
		entry = readdir(s->dir);
		if (entry == NULL) {
			(void)closedir(s->dir);
			s->dir = NULL;
			return;
		}
		if (fstatat(dirfd(s->dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) &&
		    gw_orphan_is_candidate(sot_str_c(entry->d_name), (int64_t)st.st_mtime, now))
			(void)snprintf(s->names[s->count++], sizeof(s->names[0]), "%.64s", entry->d_name);
	}
}

/* Moved aside first, then looked at again: an upload of the same bytes may have renamed its file to
 * this name since, and that one must come back. *ret_gone: no such file is here now. */
static bool remove_one(int folder, const char *name, bool *ret_gone)
{
	char aside[80];
	struct stat st;
	(void)snprintf(aside, sizeof(aside), "tmp/%s.orphan", name);
	*ret_gone = false;
	if (renameat(folder, name, folder, aside) != 0) {
		*ret_gone = errno == ENOENT;
		return false;
	}
	if (fstatat(folder, aside, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !gw_orphan_is_candidate(sot_str_c(name), (int64_t)st.st_mtime, (int64_t)time(NULL)) &&
	    (renameat2(folder, aside, folder, name, RENAME_NOREPLACE) == 0 || errno != EEXIST))
		return false;
	*ret_gone = unlinkat(folder, aside, 0) == 0;
	return *ret_gone;
}

static sot_code remove_stored(const gw_sweep *s, const char *name)
{
	sot_err err = {0};
	sot_code code = gw_s3_remove(&s->s3, name, (int64_t)time(NULL) - GW_ORPHAN_AGE_S, &err);
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "blobs.sweep", &err, "effect=later");
	return code;
}

static void remove_all(void *arg)
{
	gw_sweep *s = arg;
	int folder = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->removed = 0;
	memset(s->gone, 0, sizeof(s->gone));
	for (size_t i = 0; folder >= 0 && i < s->count; i++) {
		if (gw_s3_is_on(&s->s3) && remove_stored(s, s->names[i]) != SOT_OK)
			continue; /* its row finds it again */
		s->removed += remove_one(folder, s->names[i], &s->gone[i]) ? 1 : 0;
	}
	if (folder >= 0)
		(void)close(folder);
}

/* ---- in the loop ---- */
static void on_forgotten(void *self, const store_outcome *outcome)
{
	gw_sweep *s = self;
	s->busy = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "blobs.sweep", outcome->why, "effect=later");
}

/* The rows go last: until then they find what is left. */
static void forget_rows(gw_sweep *s)
{
	store_tx *tx = store_begin(s->g->db);
	sot_err err = {0};
	store_query(tx, GW_SQL_BLOB_FORGET, NULL, NULL);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < s->count; i++)
		if (s->gone[i])
			store_item_str(tx, sot_str_c(s->names[i]));
	store_arg_array_end(tx);
	s->busy = store_commit(&tx, on_forgotten, s, &err) == SOT_OK;
	if (!s->busy)
		sot_log_err(SOT_WARN, "blobs.sweep", &err, "effect=later");
}

static void on_removed(void *arg)
{
	gw_sweep *s = arg;
	if (!take_back(s))
		return;
	sot_metric_add(s->removed_total, s->removed);
	sot_log(
	    SOT_INFO, "blobs.swept", "removed=%zu of=%zu first=%s", s->removed, s->count, s->names[0]);
	forget_rows(s);
}

static void on_orphans(void *self, const store_result *res)
{
	gw_sweep *s = self;
	s->count = 0;
	for (size_t row = 0; row < store_rows(res) && s->count < CANDIDATES_MAX; row++)
		(void)snprintf(
		    s->names[s->count++], sizeof(s->names[0]), "%.*s", SOT_ARG(store_text(res, row, 0)));
}

static void on_asked(void *self, const store_outcome *outcome)
{
	gw_sweep *s = self;
	s->busy = false;
	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "blobs.sweep", outcome->why, "effect=later");
	} else if (s->count > 0) {
		s->busy = s->working = true;
		reactor_queue_work(s->g->loop, remove_all, on_removed, s);
	}
}

static void on_looked(void *arg)
{
	gw_sweep *s = arg;
	store_tx *tx;
	sot_err err = {0};
	if (!take_back(s))
		return;
	s->busy = false;
	if (s->expired > 0)
		sot_log(SOT_INFO, "uploads.expired", "files=%zu", s->expired);
	tx = store_begin_read(s->g->db);
	store_query(tx, GW_SQL_BLOB_ORPHANS, on_orphans, s);
	store_arg_array_begin(tx);
	for (size_t i = 0; i < s->count; i++)
		store_item_str(tx, sot_str_c(s->names[i]));
	store_arg_array_end(tx);
	s->busy = store_commit(&tx, on_asked, s, &err) == SOT_OK;
	if (!s->busy)
		sot_log_err(SOT_WARN, "blobs.sweep", &err, "effect=later");
}

static void on_timer(void *self, uint64_t missed)
{
	gw_sweep *s = self;
	(void)missed;
	reactor_rearm_ms(s->timer, SWEEP_EVERY_MS);
	if (s->busy)
		return;
	s->busy = s->working = true;
	reactor_queue_work(s->g->loop, look, on_looked, s);
}

gw_sweep *gw_sweep_new(gateway *g)
{
	gw_sweep *s = sot_alloc(sizeof(*s));
	s->g = g;
	(void)snprintf(s->folder, sizeof(s->folder), "%s", g->config->blobs_dir);
	s->s3 = gw_s3_of(g->config);
	s->upload_expiry_s = g->config->upload_expiry_s;
	s->removed_total = sot_counter("sot_gateway_orphans_total", NULL,
	    "Blobs removed because no row and no version names them");
	s->timer = reactor_after_ms(g->loop, 0, on_timer, s);
	return s;
}

gw_sweep *gw_sweep_free(gw_sweep *s)
{
	if (s == NULL)
		return NULL;
	reactor_remove(s->timer);
	if (s->g->db != NULL)
		store_forget(s->g->db, s);
	s->g = NULL;
	if (!s->working)
		release(s);
	return NULL;
}
