#include "look_packages.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tree.h"

enum { BLOCK = 512, DEPTH_MAX = 64, WALK_MAX = 200000, ENTRY_MAX = 2048 };

typedef struct size {
	uint64_t bytes;
	unsigned entries;
} size;

typedef struct look {
	const look_packages_options *o;
	const package_users *users;
	sot_buf *out;
	unsigned walk_left; /* entries of all packages that may still be visited */
	size_t shown, total;
} look;

static bool add_size(void *self, const tree_entry *e)
{
	size *s = self;
	s->entries++;
	if (!S_ISDIR(e->st.st_mode))
		s->bytes += (uint64_t)e->st.st_blocks * BLOCK;
	return true;
}

/* Seconds until clean-up takes what nobody needs; -1: never, it is excluded. */
static int64_t removable_in(const look *l, const char *name, int64_t age_s)
{
	int64_t least = -1;
	for (size_t i = 0; i < cleanup_policy_count; i++) {
		const cleanup_policy *p = &cleanup_policies[i];
		int64_t wanted = cleanup_age(p, &l->o->settings);
		if (p->place != CLEANUP_PACKAGES ||
		    !cleanup_takes(p, name, false, age_s > wanted ? age_s : wanted, l->o->free_permille,
		        &l->o->settings))
			continue;
		int64_t wait = age_s < wanted ? wanted - age_s : 0;
		least = least < 0 || wait < least ? wait : least;
	}
	return least;
}

static void add_package(look *l, const char *folder, const char *name, const struct stat *st)
{
	char path[PLAN_PATH_MAX + 260];
	size s = {0};
	sot_err err = {0};
	int64_t last = st->st_mtime > st->st_ctime ? st->st_mtime : st->st_ctime;
	int64_t age_s = l->o->now_unix_s - last;
	bool is_needed = package_users_need(l->users, name) || !l->users->knows_records;
	int64_t removable = is_needed ? -1 : removable_in(l, name, age_s);
	tree_limits limits = {.entries_max = l->walk_left, .depth_max = DEPTH_MAX};
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	bool is_whole = l->walk_left > 0 && tree_walk(path, limits, add_size, &s, &err) == SOT_OK;
	l->walk_left -= s.entries < l->walk_left ? s.entries : l->walk_left;
	sot_buf_printf(l->out, "%s{\"sha256\":\"%s\",\"sizeBytes\":", l->shown++ > 0 ? "," : "", name);
	if (is_whole)
		sot_buf_printf(l->out, "%llu", (unsigned long long)s.bytes);
	else
		sot_buf_add_c(l->out, "null");
	sot_buf_printf(l->out, ",\"ageSeconds\":%lld,\"needed\":%s,\"removableInSeconds\":",
	    age_s > 0 ? (long long)age_s : 0, is_needed ? "true" : "false");
	if (removable >= 0)
		sot_buf_printf(l->out, "%lld", (long long)removable);
	else
		sot_buf_add_c(l->out, "null");
	sot_buf_add_c(l->out, ",\"instances\":");
	size_t n = package_users_names(l->users, name, LOOK_PACKAGES_NAMES_MAX, l->out);
	sot_buf_printf(l->out, ",\"instancesTotal\":%zu}", n);
}

/* What is unpacked has its digest as name; what else lies there is on its way. */
static bool is_digest(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

void look_packages(const look_packages_options *o, const package_users *users, sot_buf *ret)
{
	char folder[PLAN_PATH_MAX];
	struct stat st;
	look l = {.o = o, .users = users, .out = ret, .walk_left = WALK_MAX};
	(void)snprintf(folder, sizeof(folder), "%s/packages", o->state_dir);
	DIR *dir = opendir(folder);
	sot_buf_add_c(ret, "{\"packages\":[");
	for (const struct dirent *d; dir && (d = readdir(dir)) != NULL;) {
		if (!is_digest(d->d_name) ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
			continue;
		l.total++;
		if (ret->n < LOOK_PACKAGES_MAX - ENTRY_MAX)
			add_package(&l, folder, d->d_name, &st);
	}
	if (dir)
		(void)closedir(dir);
	sot_buf_printf(ret, "],\"packagesTotal\":%zu,\"cleanup\":\"%s\"}", l.total, o->cleanup);
}
