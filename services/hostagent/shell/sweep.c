/* The removal itself, without the agent: what one place loses. */
#include "sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tree.h"

enum { BLOCK = 512, DEPTH_MAX = 64, WALK_MAX = 1000000 };

typedef struct run {
	cleanup_place place;
	sweep_options *options;
	sweep_keep_fn keep;
	void *self;
	sweep_total *totals;
	const cleanup_policy *whole; /* inside a folder that goes as a whole */
	size_t whole_index;
} run;

static const tree_limits limits = {.entries_max = WALK_MAX, .depth_max = DEPTH_MAX};

/* Content, name and links: whatever changed last. */
static int64_t age_of(const run *r, const struct stat *st)
{
	int64_t last = st->st_mtime > st->st_ctime ? st->st_mtime : st->st_ctime;
	return r->options->now_unix_s - last;
}

static bool take(run *r, const tree_entry *e, size_t policy)
{
	bool is_folder = S_ISDIR(e->st.st_mode);
	bool ok =
	    r->options->is_dry || unlinkat(e->folder_fd, e->name, is_folder ? AT_REMOVEDIR : 0) == 0;
	if (!ok)
		return true; /* somebody was quicker, or filled the folder again */
	r->totals[policy].entries++;
	if (!is_folder && e->st.st_nlink == 1)
		r->totals[policy].bytes += (uint64_t)e->st.st_blocks * BLOCK;
	return --r->options->entries_max > 0;
}

static bool remove_all(void *self, const tree_entry *e)
{
	run *r = self;
	return take(r, e, r->whole_index);
}

static const cleanup_policy *policy_for(const run *r, const tree_entry *e, size_t *ret_index)
{
	bool is_file = S_ISREG(e->st.st_mode);
	for (size_t i = 0; i < cleanup_policy_count; i++) {
		const cleanup_policy *p = &cleanup_policies[i];
		if (p->place == r->place && cleanup_takes(p, e->name, is_file, age_of(r, &e->st),
		                                r->options->free_permille, &r->options->settings)) {
			*ret_index = i;
			return p;
		}
	}
	return NULL;
}

static bool visit(void *self, const tree_entry *e)
{
	run *r = self;
	size_t index = 0;
	const cleanup_policy *p = policy_for(r, e, &index);
	return p && !p->whole ? take(r, e, index) : true;
}

/* The top level of a place whose policies take folders as a whole. */
static bool visit_top(void *self, const tree_entry *e)
{
	run *r = self;
	char path[4096];
	sot_err err = {0};
	size_t index = 0;
	if (strchr(e->path, '/') || e->name[0] == '.' || (r->keep && r->keep(r->self, e->name)))
		return true;
	if (!policy_for(r, e, &index))
		return true;
	r->whole_index = index;
	/* By the descriptor that the walk holds: the folder cannot be another one by now. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", e->folder_fd, e->name);
	if (S_ISDIR(e->st.st_mode) && tree_walk(path, limits, remove_all, r, &err) != SOT_OK)
		return true;
	return r->options->entries_max > 0 && take(r, e, index);
}

unsigned sweep_free_permille(const char *path)
{
	struct statvfs fs = {0};
	(void)statvfs(path, &fs);
	return fs.f_blocks > 0 ? (unsigned)((uint64_t)fs.f_bavail * 1000 / fs.f_blocks) : 1000;
}

static bool takes_folders(cleanup_place place)
{
	return place == CLEANUP_RETIRED || place == CLEANUP_PACKAGES || place == CLEANUP_LEFTOVERS;
}

void sweep_place(const char *root, cleanup_place place, sweep_options *o, sweep_keep_fn keep,
    void *self, sweep_total *totals)
{
	run r = {.place = place, .options = o, .keep = keep, .self = self, .totals = totals};
	/* Folders that go as a whole are looked at from the top; the walk need not enter them. */
	tree_limits top = {.entries_max = WALK_MAX, .depth_max = 0};
	sot_err err = {0};
	if (o->entries_max == 0)
		return;
	sot_code code = takes_folders(place) ? tree_walk(root, top, visit_top, &r, &err)
	                                     : tree_walk(root, limits, visit, &r, &err);
	(void)
	    code; /* a place that is not there has no junk; what a limit hides waits for another run */
}
