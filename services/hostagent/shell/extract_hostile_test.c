/* A thousand hostile archives, made from a seed: names that climb, links and chains of links that
 * lead out, hard links, devices, names that come twice, names that are too long, setuid bits,
 * damaged bytes. Whatever the extractor says of one, nothing outside of its folder may change, and
 * nothing inside may lead out. SOT_SEED replays a run. Sources: reliability rows G3 and G4. */
#include "extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"
#include "sot_rand.h"
#include "test_folder.h"

enum { ARCHIVES = 1000, ENTRIES_MAX = 14, NAME_SIZE = 700, MANY = 100000, RACES = 500 };

static struct {
	char root[64], out[96], archive[96], canary[96];
	struct stat canary_before;
	sot_rand rand;
	/* What the walk over the folder found. */
	int bad;
	char bad_path[512];
	const char *bad_why;
	size_t files, links;
} t;

static uint64_t below(uint64_t n)
{
	return sot_rand_below(&t.rand, n);
}

static void empty_folder(void)
{
	(void)test_folder_remove(t.out);
	assert_int_equal(mkdir(t.out, 0755), 0);
}

static int setup(void **state)
{
	uint64_t seed = 20261128;
	const char *given = getenv("SOT_SEED");
	(void)state;
	if (given && sot_parse_u64(sot_str_c(given), 0, UINT64_MAX, &seed, NULL) != SOT_OK)
		return -1;
	sot_rand_seed(&t.rand, seed);
	print_message("seed %llu\n", (unsigned long long)seed);
	(void)snprintf(t.root, sizeof(t.root), "/tmp/hostile-test.XXXXXX");
	assert_non_null(mkdtemp(t.root));
	(void)snprintf(t.out, sizeof(t.out), "%s/out", t.root);
	(void)snprintf(t.archive, sizeof(t.archive), "%s/a", t.root);
	(void)snprintf(t.canary, sizeof(t.canary), "%s/canary", t.root);
	assert_int_equal(sot_file_write(t.canary, SOT_STR("alive"), 0600, NULL), SOT_OK);
	assert_int_equal(stat(t.canary, &t.canary_before), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)test_folder_remove(t.root);
	return 0;
}

/* ---- making ---- */

static void add(char name[NAME_SIZE], const char *part)
{
	size_t n = strlen(name);
	(void)snprintf(name + n, NAME_SIZE - n, "%s", part);
}

static void add_long(char name[NAME_SIZE])
{
	size_t n = strlen(name), count = 250 + (size_t)below(12);
	if (n + count >= NAME_SIZE)
		return;
	memset(name + n, 'n', count);
	name[n + count] = '\0';
}

/* Few parts, so that names come twice, and as a file once and as a folder or link again. */
static void make_name(char name[NAME_SIZE])
{
	static const char *const parts[] = {"a", "a", "b", "b", "c", "d", "..", ".", "", "canary",
	    "a\\..\\b", "..a", "\xff\xfe", "con\n", "~", "out"};
	name[0] = '\0';
	if (below(12) == 0)
		add(name, below(2) == 0 ? "/" : t.canary);
	for (uint64_t k = below(4) + 1; k > 0; k--) {
		if (below(40) == 0)
			add_long(name);
		else
			add(name, parts[below(sizeof(parts) / sizeof(parts[0]))]);
		if (k > 1)
			add(name, "/");
	}
	if (name[0] == '\0')
		add(name, "a");
}

static void make_target(char target[NAME_SIZE])
{
	static const char *const targets[] = {"/etc/passwd", "../canary", "../../canary", ".", "..",
	    "../..", "a", "b", "a/b", "a/b/c", "a/..", "a/b/../..", "a/b/c/..", "b/..", "c/../..",
	    "d/.", "/", "../out/a"};
	target[0] = '\0';
	if (below(4) == 0)
		make_name(target);
	else
		add(target, targets[below(sizeof(targets) / sizeof(targets[0]))]);
}

static unsigned make_type(void)
{
	static const unsigned types[] = {
	    AE_IFREG, AE_IFREG, AE_IFREG, AE_IFDIR, AE_IFDIR, AE_IFLNK, AE_IFLNK, AE_IFLNK, AE_IFLNK};
	static const unsigned odd[] = {AE_IFCHR, AE_IFBLK, AE_IFIFO, AE_IFSOCK};
	return below(25) == 0 ? odd[below(4)] : types[below(sizeof(types) / sizeof(types[0]))];
}

static void write_entry(struct archive *a)
{
	static const char content[] = "hostile content, hostile content";
	char name[NAME_SIZE], target[NAME_SIZE];
	struct archive_entry *e = archive_entry_new();
	unsigned type = make_type();
	make_name(name);
	make_target(target);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, below(3) == 0 ? 06777 : 0644);
	archive_entry_set_size(e, type == AE_IFREG ? (la_int64_t)sizeof(content) : 0);
	if (type == AE_IFLNK)
		archive_entry_set_symlink(e, target);
	if (type == AE_IFREG && below(15) == 0)
		archive_entry_set_hardlink(e, target);
	/* What a format cannot hold is left out of this archive. */
	if (archive_write_header(a, e) >= ARCHIVE_WARN && type == AE_IFREG)
		(void)archive_write_data(a, content, sizeof(content));
	archive_entry_free(e);
}

static void damage(void)
{
	struct stat st;
	int fd = open(t.archive, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	for (uint64_t k = below(4) + 1; k > 0 && st.st_size > 0; k--) {
		uint8_t byte = (uint8_t)below(256);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)below((uint64_t)st.st_size)), 1);
	}
	if (below(4) == 0)
		assert_int_equal(ftruncate(fd, (off_t)below((uint64_t)st.st_size + 1)), 0);
	close(fd);
}

static void make_archive(void)
{
	struct archive *a = archive_write_new();
	switch (below(4)) {
	case 0:
		assert_int_equal(archive_write_set_format_zip(a), ARCHIVE_OK);
		break;
	case 1:
		assert_int_equal(archive_write_set_format_gnutar(a), ARCHIVE_OK);
		break;
	case 2:
		assert_int_equal(archive_write_set_format_ustar(a), ARCHIVE_OK);
		break;
	default:
		assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
		assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
	}
	assert_int_equal(archive_write_open_filename(a, t.archive), ARCHIVE_OK);
	for (uint64_t k = below(ENTRIES_MAX) + 1; k > 0; k--)
		write_entry(a);
	(void)archive_write_close(a);
	archive_write_free(a);
	if (below(5) == 0)
		damage();
}

/* ---- judging ---- */

static int blame(const char *path, const char *why)
{
	t.bad++;
	t.bad_why = why;
	(void)snprintf(t.bad_path, sizeof(t.bad_path), "%s", path);
	return 1;
}

/* Where the kernel goes when it follows the link: out of the folder is EXDEV. */
static bool leads_out(const char *path)
{
	int folder = open(t.out, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int why = extract_follow_beneath(folder, path + strlen(t.out) + 1);
	close(folder);
	assert_int_not_equal(why, EAGAIN);
	return why == EXDEV;
}

static int judge_entry(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)flag;
	(void)walk;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode))
		return blame(path, "neither file, folder nor link");
	if (S_ISREG(st->st_mode) && st->st_nlink != 1)
		return blame(path, "a hard link");
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07000) != 0)
		return blame(path, "setuid, setgid or sticky");
	if (S_ISLNK(st->st_mode) && leads_out(path))
		return blame(path, "a link out of the folder");
	t.files += S_ISREG(st->st_mode);
	t.links += S_ISLNK(st->st_mode);
	return 0;
}

static int count_entry(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)st;
	(void)flag;
	if (walk->level == 1 && strcmp(path, t.out) != 0 && strcmp(path, t.archive) != 0 &&
	    strcmp(path, t.canary) != 0)
		return blame(path, "made beside the folder");
	return 0;
}

static void judge(int round, sot_code code, const sot_err *err)
{
	struct stat now;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 64);
	assert_int_equal(sot_file_read(t.canary, &text, NULL), SOT_OK);
	assert_true(sot_str_eq_c(sot_buf_str(&text), "alive"));
	assert_int_equal(stat(t.canary, &now), 0);
	assert_int_equal(now.st_mode, t.canary_before.st_mode);
	assert_int_equal(now.st_nlink, 1);
	assert_int_equal(now.st_mtim.tv_nsec, t.canary_before.st_mtim.tv_nsec);
	(void)nftw(t.root, count_entry, 16, FTW_PHYS);
	/* A refused archive's folder is thrown away: links in it were never used. */
	if (code == SOT_OK)
		(void)nftw(t.out, judge_entry, 16, FTW_PHYS);
	else
		assert_true(strlen(err->text) > 0);
	if (t.bad > 0)
		fail_msg("archive %d: %s: %s (%s)", round, t.bad_path, t.bad_why,
		    code == SOT_OK ? "accepted" : err->text);
}

static void no_archive_reaches_out_of_its_folder(void **state)
{
	size_t accepted = 0;
	(void)state;
	for (int round = 0; round < ARCHIVES; round++) {
		sot_err err = {0};
		empty_folder();
		make_archive();
		sot_code code = extract_archive(t.archive, t.out, &extract_default_limits, &err);
		accepted += code == SOT_OK;
		judge(round, code, &err);
	}
	print_message("%zu of %d were accepted, with %zu files and %zu links\n", accepted, ARCHIVES,
	    t.files, t.links);
	/* A generator that makes only refused ones, or a judge that sees nothing, would prove nothing.
	 */
	assert_true(accepted > 20 && accepted < ARCHIVES && t.files > 20 && t.links > 5);
}

/* Each link stays inside by itself; together they lead out. */
static void make_chain(void)
{
	static const struct {
		const char *name, *target;
	} links[] = {{"a/b/up", "../.."}, {"out", "a/b/up/.."}};
	struct archive *a = archive_write_new();
	assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(a, t.archive), ARCHIVE_OK);
	for (size_t i = 0; i < 2; i++) {
		struct archive_entry *e = archive_entry_new();
		archive_entry_set_pathname(e, links[i].name);
		archive_entry_set_filetype(e, AE_IFLNK);
		archive_entry_set_symlink(e, links[i].target);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		archive_entry_free(e);
	}
	(void)archive_write_close(a);
	archive_write_free(a);
}

static void a_chain_of_links_is_followed_by_the_kernel_not_by_the_eye(void **state)
{
	sot_err err = {0};
	(void)state;
	empty_folder();
	make_chain();
	assert_int_equal(extract_archive(t.archive, t.out, &extract_default_limits, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "out"));
}

static void *rename_on_and_on(void *is_over)
{
	char from[128], to[128];
	(void)snprintf(from, sizeof(from), "%s/canary2", t.root);
	(void)snprintf(to, sizeof(to), "%s/canary3", t.root);
	while (!atomic_load((atomic_bool *)is_over)) {
		(void)rename(from, to);
		(void)rename(to, from);
	}
	return NULL;
}

/* Whoever renames anything anywhere on the machine makes the kernel unsure about a "..": EAGAIN. */
static void a_chain_of_links_is_refused_while_others_rename(void **state)
{
	atomic_bool is_over = false;
	char beside[128];
	pthread_t racer;
	(void)state;
	(void)snprintf(beside, sizeof(beside), "%s/canary2", t.root);
	assert_int_equal(sot_file_write(beside, SOT_STR("x"), 0600, NULL), SOT_OK);
	make_chain();
	assert_int_equal(pthread_create(&racer, NULL, rename_on_and_on, &is_over), 0);
	int refused = 0;
	for (int round = 0; round < RACES; round++) {
		sot_err err = {0};
		empty_folder();
		refused += extract_archive(t.archive, t.out, &extract_default_limits, &err) == SOT_INVALID;
	}
	atomic_store(&is_over, true);
	assert_int_equal(pthread_join(racer, NULL), 0);
	assert_int_equal(refused, RACES);
}

static void make_many(size_t count)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	char name[64];
	assert_int_equal(archive_write_set_format_ustar(a), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(a, t.archive), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		archive_entry_clear(e);
		(void)snprintf(name, sizeof(name), "d%zu/f%zu", i % 100, i);
		archive_entry_set_pathname(e, name);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		archive_entry_set_size(e, 0);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	}
	archive_entry_free(e);
	(void)archive_write_close(a);
	archive_write_free(a);
}

static void a_hundred_thousand_small_files_are_unpacked_and_counted(void **state)
{
	extract_limits few = extract_default_limits;
	sot_err err = {0};
	(void)state;
	empty_folder();
	make_many(MANY);
	assert_int_equal(extract_archive(t.archive, t.out, &extract_default_limits, &err), SOT_OK);
	t.files = 0;
	(void)nftw(t.out, judge_entry, 16, FTW_PHYS);
	assert_int_equal(t.files, MANY);
	empty_folder();
	few.entries = 1000;
	assert_int_equal(extract_archive(t.archive, t.out, &few, &err), SOT_LIMIT);
	assert_non_null(strstr(err.text, "1000 entries"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_archive_reaches_out_of_its_folder),
	    cmocka_unit_test(a_chain_of_links_is_followed_by_the_kernel_not_by_the_eye),
	    cmocka_unit_test(a_chain_of_links_is_refused_while_others_rename),
	    cmocka_unit_test(a_hundred_thousand_small_files_are_unpacked_and_counted),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
