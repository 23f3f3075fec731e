#include "docker_junk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "notes.h"
#include "sot_file.h"
#include "sot_log.h"
#include "sot_metrics.h"

enum { REMOVE_MS = 120000, WAITING_MAX = 64, REFERENCE_MAX = 256, CONTAINER_ID_MAX = 65 };

/* One that is removed in its turn. */
typedef struct junk {
	bool is_image;
	size_t policy;
	char name[REFERENCE_MAX]; /* a reference, or a container's id */
} junk;

struct docker_junk {
	agent *a;
	junk waiting[WAITING_MAX];
	size_t waiting_count;
	bool is_removing;
	uint64_t free_before;
	struct {
		char id[CONTAINER_ID_MAX];
		size_t policy;
	} dead[WAITING_MAX]; /* of the last listing, old enough */
	size_t dead_count;
	sot_metric *bytes, *entries;
};

static uint64_t free_bytes(const docker_junk *j, unsigned *ret_permille)
{
	struct statvfs fs = {0};
	(void)statvfs(j->a->config->state_dir, &fs);
	if (ret_permille)
		*ret_permille =
		    fs.f_blocks > 0 ? (unsigned)((uint64_t)fs.f_bavail * 1000 / fs.f_blocks) : 1000;
	return (uint64_t)fs.f_bfree * fs.f_frsize;
}

/* The first policy of the place that takes it; false: it stays. */
static bool is_junk(
    const docker_junk *j, cleanup_place place, const char *word, int64_t age_s, size_t *ret_policy)
{
	const cleanup_settings settings = {j->a->config->cleanup_exclude, j->a->config->cleanup_ages};
	unsigned free_permille;
	(void)free_bytes(j, &free_permille);
	for (size_t i = 0; i < cleanup_policy_count; i++) {
		const cleanup_policy *p = &cleanup_policies[i];
		if (p->place == place && cleanup_takes(p, word, true, age_s, free_permille, &settings)) {
			*ret_policy = i;
			return true;
		}
	}
	return false;
}

/* ---- the files of images ---- */

/* A reference is letters, digits and "._-/:@": as a file name its '/' are '+'. */
static bool mark_path(
    const docker_junk *j, const char *reference, char dst[static PLAN_PATH_MAX + REFERENCE_MAX])
{
	char name[REFERENCE_MAX];
	size_t n = strlen(reference);
	if (n == 0 || n >= sizeof(name) || n > NAME_MAX || reference[0] == '.')
		return false;
	memcpy(name, reference, n + 1);
	for (char *c = name; *c; c++)
		*c = (char)(*c == '/' ? '+' : *c);
	(void)snprintf(
	    dst, PLAN_PATH_MAX + REFERENCE_MAX, "%s/images/%s", j->a->config->state_dir, name);
	return true;
}

void docker_junk_needs(docker_junk *j, sot_str reference)
{
	char text[REFERENCE_MAX], path[PLAN_PATH_MAX + REFERENCE_MAX], folder[PLAN_PATH_MAX];
	sot_err err = {0};
	if (sot_str_copy(reference, text, sizeof(text), NULL) != SOT_OK || !mark_path(j, text, path))
		return;
	if (utimensat(AT_FDCWD, path, NULL, 0) == 0)
		return;
	(void)snprintf(folder, sizeof(folder), "%s/images", j->a->config->state_dir);
	sot_code code = errno == ENOENT ? sot_mkdirs(folder, 0700, &err) : SOT_OK;
	if (code == SOT_OK)
		code = sot_file_write(path, (sot_str){0}, 0600, &err);
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "cleanup.image_mark", &err, "effect=%s", "image_stays");
}

/* ---- removing, one at a time ---- */

static void begin(docker_junk *j);

static void drop_mark(const docker_junk *j, const char *reference)
{
	char path[PLAN_PATH_MAX + REFERENCE_MAX];
	if (mark_path(j, reference, path))
		(void)unlink(path);
}

/* What others write meanwhile blurs the figure; the Engine tells no better one. */
static void count(docker_junk *j, const junk *k)
{
	uint64_t after = free_bytes(j, NULL);
	uint64_t freed = after > j->free_before ? after - j->free_before : 0;
	sot_log(SOT_INFO, "cleanup.freed", "policy=%s entries=1 bytes=%llu mode=%s name=%s",
	    cleanup_policies[k->policy].name, (unsigned long long)freed, j->a->config->cleanup,
	    k->name);
	sot_metric_add(j->entries, 1);
	sot_metric_add(j->bytes, freed);
	notes_add_freed(j->a->notes, k->policy, 1, freed);
}

static void on_removed(void *self, const docker_reply *reply)
{
	docker_junk *j = self;
	junk k = j->waiting[0];
	j->is_removing = false;
	if (j->a->ending)
		return;
	memmove(j->waiting, j->waiting + 1, --j->waiting_count * sizeof(*j->waiting));
	bool is_gone = reply->code == SOT_OK || reply->code == SOT_NOT_FOUND;
	if (reply->code == SOT_OK)
		count(j, &k);
	else if (!is_gone)
		sot_log_err(SOT_INFO, "cleanup.kept", reply->why, "name=%s", k.name);
	if (k.is_image && is_gone)
		drop_mark(j, k.name);
	begin(j);
}

/* A retired one stays in the set after its container has gone. */
static bool needs_image(const instance *i)
{
	return instance_want(i)->spec.desired != SOT_DESIRED_STATE_RETIRED || instance_container(i);
}

static bool is_wanted(const docker_junk *j, const junk *k)
{
	sot_map_iter it = {0};
	if (!k->is_image)
		return false;
	for (const instance *i; (i = reconcile_iterate(j->a->reconcile, &it)) != NULL;)
		if (needs_image(i) && sot_str_eq_c(instance_want(i)->spec.image, k->name))
			return true;
	return false;
}

static void drop_first(docker_junk *j)
{
	memmove(j->waiting, j->waiting + 1, --j->waiting_count * sizeof(*j->waiting));
}

static void begin(docker_junk *j)
{
	char path[REFERENCE_MAX + 64];
	bool is_dry = strcmp(j->a->config->cleanup, "dry") == 0;
	if (j->is_removing || j->a->draining)
		return;
	while (j->waiting_count > 0 && !j->is_removing) {
		const junk *k = &j->waiting[0];
		if (is_wanted(j, k)) { /* since the run began */
			drop_first(j);
			continue;
		}
		j->free_before = free_bytes(j, NULL);
		if (is_dry) {
			count(j, k);
			drop_first(j);
			continue;
		}
		(void)snprintf(path, sizeof(path), k->is_image ? "/images/%s" : "/containers/%s", k->name);
		docker_request q = {.method = "DELETE", .path = path, .deadline_ms = REMOVE_MS};
		j->is_removing = docker_send(j->a->docker, &q, on_removed, j, NULL) == SOT_OK;
		if (!j->is_removing)
			return; /* the next run tries again */
	}
}

static void add(docker_junk *j, bool is_image, size_t policy, const char *name)
{
	if (j->waiting_count == WAITING_MAX)
		return;
	junk *k = &j->waiting[j->waiting_count++];
	k->is_image = is_image;
	k->policy = policy;
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
}

/* ---- the run ---- */

static void add_images(docker_junk *j)
{
	char folder[PLAN_PATH_MAX], reference[REFERENCE_MAX];
	(void)snprintf(folder, sizeof(folder), "%s/images", j->a->config->state_dir);
	DIR *dir = opendir(folder);
	for (const struct dirent *d; dir && (d = readdir(dir)) != NULL;) {
		struct stat st;
		size_t policy;
		if (d->d_name[0] == '.' || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode) ||
		    !is_junk(j, CLEANUP_IMAGES, d->d_name, time(NULL) - st.st_mtime, &policy))
			continue;
		(void)snprintf(reference, sizeof(reference), "%.255s", d->d_name);
		for (char *c = reference; *c; c++)
			*c = (char)(*c == '+' ? '/' : *c);
		add(j, true, policy, reference);
	}
	if (dir)
		(void)closedir(dir);
}

void docker_junk_run(docker_junk *j)
{
	sot_map_iter it = {0};
	for (const instance *i; (i = reconcile_iterate(j->a->reconcile, &it)) != NULL;)
		if (needs_image(i))
			docker_junk_needs(j, instance_want(i)->spec.image);
	if (j->is_removing || !j->a->docker_ok)
		return;
	j->waiting_count = 0;
	for (size_t i = 0; i < j->dead_count; i++)
		add(j, false, j->dead[i].policy, j->dead[i].id);
	add_images(j);
	begin(j);
}

void docker_junk_listing(docker_junk *j)
{
	j->dead_count = 0;
}

void docker_junk_saw(docker_junk *j, const char *container_id, const char *state, int64_t age_s)
{
	size_t policy;
	if (j->dead_count == WAITING_MAX || strlen(container_id) >= CONTAINER_ID_MAX ||
	    !is_junk(j, CLEANUP_CONTAINERS, state, age_s, &policy))
		return;
	(void)snprintf(j->dead[j->dead_count].id, CONTAINER_ID_MAX, "%s", container_id);
	j->dead[j->dead_count++].policy = policy;
}

docker_junk *docker_junk_new(agent *a)
{
	docker_junk *j = sot_alloc(sizeof(*j));
	j->a = a;
	j->entries = sot_counter(
	    "sot_hostagent_cleanup_engine_total", NULL, "Images and dead containers that were junk");
	j->bytes = sot_counter(
	    "sot_hostagent_cleanup_engine_bytes_total", NULL, "What was free more after they went");
	return j;
}

docker_junk *docker_junk_free(docker_junk *j)
{
	free(j);
	return NULL;
}
