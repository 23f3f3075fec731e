#include "extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sot_mem.h"

const extract_limits extract_default_limits = {.entries = 200000,
    .entry_bytes = 1024ull * 1024 * 1024,
    .total_bytes = 2048ull * 1024 * 1024,
    .ratio = 100};

enum { BLOCK = 65536, RATIO_FROM = 1024 * 1024, LINKS_MAX = 10000, TRIES = 10000 };

typedef struct link_entry {
	char *name, *target;
} link_entry;

typedef struct extraction {
	int folder_fd;
	const extract_limits *limits;
	uint64_t archive_bytes, entries, total_bytes;
	link_entry *links;
	size_t link_count;
} extraction;

bool extract_path_is_safe(const char *name)
{
	if (name[0] == '\0' || name[0] == '/' || strlen(name) >= PATH_MAX)
		return false;
	for (const char *part = name; part;) {
		const char *slash = strchr(part, '/');
		size_t n = slash ? (size_t)(slash - part) : strlen(part);
		if (n > NAME_MAX || (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part = slash ? slash + 1 : NULL;
	}
	return true;
}

/* Walks the target from the link's own folder and never lets the depth fall below the root. */
bool extract_link_is_safe(const char *name, const char *target)
{
	long depth = 0;
	if (target[0] == '\0' || target[0] == '/' || strlen(target) >= PATH_MAX)
		return false;
	for (const char *c = name; (c = strchr(c, '/')) != NULL; c++)
		depth += c[1] != '/' && c[1] != '\0';
	for (const char *part = target; part;) {
		const char *slash = strchr(part, '/');
		size_t n = slash ? (size_t)(slash - part) : strlen(part);
		if (n == 2 && part[0] == '.' && part[1] == '.')
			depth--;
		else if (n > 0 && !(n == 1 && part[0] == '.'))
			depth++;
		if (depth < 0)
			return false;
		part = slash ? slash + 1 : NULL;
	}
	return true;
}

static int open_beneath(int folder_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	    .mode = mode,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	return (int)syscall(SYS_openat2, folder_fd, path, &how, sizeof(how));
}

/* Makes the folders above the last part of `path` (and the last when `whole`), and opens the
 * folder reached: mkdirat has no resolve flags, so each step is made from an open folder. */
static sot_code open_folders(
    int folder_fd, const char *path, bool whole, int *ret, const char **ret_last, sot_err *err)
{
	int fd = open_beneath(folder_fd, ".", O_PATH | O_DIRECTORY, 0);
	char part[NAME_MAX + 1];
	const char *at = path;
	while (fd >= 0) {
		while (*at == '/' || (at[0] == '.' && (at[1] == '/' || at[1] == '\0')))
			at++;
		size_t n = strcspn(at, "/");
		if (n == 0 || (at[n] == '\0' && !whole))
			break;
		memcpy(part, at, n);
		part[n] = '\0';
		if (mkdirat(fd, part, 0755) != 0 && errno != EEXIST)
			break;
		int next = open_beneath(fd, part, O_PATH | O_DIRECTORY, 0);
		close(fd);
		fd = next;
		at += n;
	}
	if (fd < 0)
		return sot_fail_errno(err, SOT_INVALID, errno, "entry %.120s", path);
	*ret = fd;
	*ret_last = at;
	return SOT_OK;
}

static sot_code check_growth(extraction *x, uint64_t entry_bytes, const char *name, sot_err *err)
{
	if (entry_bytes > x->limits->entry_bytes)
		return sot_fail(err, SOT_LIMIT, "entry %.120s is larger than %llu bytes", name,
		    (unsigned long long)x->limits->entry_bytes);
	if (x->total_bytes > x->limits->total_bytes)
		return sot_fail(err, SOT_LIMIT, "the archive unpacks to more than %llu bytes",
		    (unsigned long long)x->limits->total_bytes);
	if (x->total_bytes > RATIO_FROM && x->total_bytes / x->limits->ratio > x->archive_bytes)
		return sot_fail(err, SOT_LIMIT, "the archive unpacks to more than %llu times its size",
		    (unsigned long long)x->limits->ratio);
	return SOT_OK;
}

static sot_code write_all(int fd, const char *p, size_t n, sot_err *err)
{
	while (n > 0) {
		ssize_t written = write(fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "write");
		p += written;
		n -= (size_t)written;
	}
	return SOT_OK;
}

static sot_code copy_content(
    extraction *x, struct archive *in, int fd, const char *name, sot_err *err)
{
	char block[BLOCK];
	uint64_t entry_bytes = 0;
	for (;;) {
		la_ssize_t n = archive_read_data(in, block, sizeof(block));
		if (n == 0)
			return SOT_OK;
		if (n < 0)
			return sot_fail(err, SOT_INVALID, "entry %.100s: %s", name, archive_error_string(in));
		entry_bytes += (uint64_t)n;
		x->total_bytes += (uint64_t)n;
		sot_code code = check_growth(x, entry_bytes, name, err);
		if (code == SOT_OK)
			code = write_all(fd, block, (size_t)n, err);
		if (code != SOT_OK)
			return code;
	}
}

static sot_code extract_file(
    extraction *x, struct archive *in, const char *name, mode_t mode, sot_err *err)
{
	int parent = -1;
	const char *last = NULL;
	sot_code code = open_folders(x->folder_fd, name, false, &parent, &last, err);
	if (code != SOT_OK)
		return code;
	/* A name that comes twice: the first stays what it is, so that nothing is written through it.
	 */
	int fd = open_beneath(parent, last, O_WRONLY | O_CREAT | O_EXCL, (mode & 0111) ? 0755 : 0644);
	int why = errno;
	close(parent);
	if (fd < 0)
		return sot_fail_errno(err, SOT_INVALID, why, "entry %.120s", name);
	code = copy_content(x, in, fd, name, err);
	close(fd);
	return code;
}

static sot_code note_link(extraction *x, const char *name, const char *target, sot_err *err)
{
	if (!target || !extract_link_is_safe(name, target))
		return sot_fail(err, SOT_INVALID, "entry %.100s is a link out of the package (%.60s)", name,
		    target ? target : "");
	if (x->link_count >= LINKS_MAX)
		return sot_fail(err, SOT_LIMIT, "the archive holds more than %d links", LINKS_MAX);
	x->links = sot_grow_array(x->links, x->link_count, x->link_count + 1, sizeof(*x->links));
	x->links[x->link_count++] = (link_entry){sot_strdup(name), sot_strdup(target)};
	return SOT_OK;
}

int extract_follow_beneath(int folder_fd, const char *path)
{
	struct open_how how = {
	    .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int why = EAGAIN;
	for (int k = 0; why == EAGAIN && k < TRIES; k++) {
		int fd = (int)syscall(SYS_openat2, folder_fd, path, &how, sizeof(how));
		why = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
	}
	return why;
}

/* A target that stays inside when it is read may lead out through another link. The kernel says
 * where it goes; what leads nowhere leads to nothing outside either. An answer that says neither
 * is a refusal. */
static sot_code check_links(const extraction *x, sot_err *err)
{
	for (size_t i = 0; i < x->link_count; i++) {
		const link_entry *l = &x->links[i];
		int why = extract_follow_beneath(x->folder_fd, l->name);
		if (why == EXDEV)
			return sot_fail(err, SOT_INVALID,
			    "entry %.100s is a link that leads out of the package through others (%.60s)",
			    l->name, l->target);
		if (why != 0 && why != ENOENT && why != ENOTDIR && why != ELOOP && why != ENAMETOOLONG)
			return sot_fail_errno(
			    err, SOT_UNAVAILABLE, why, "where does link %.100s lead", l->name);
	}
	return SOT_OK;
}

static sot_code make_links(extraction *x, sot_err *err)
{
	for (size_t i = 0; i < x->link_count; i++) {
		int parent = -1;
		const char *last = NULL;
		sot_code code = open_folders(x->folder_fd, x->links[i].name, false, &parent, &last, err);
		if (code != SOT_OK)
			return code;
		int rc = symlinkat(x->links[i].target, parent, last);
		int why = errno;
		close(parent);
		if (rc != 0)
			return sot_fail_errno(err, SOT_INVALID, why, "link %.120s", x->links[i].name);
	}
	return check_links(x, err);
}

static sot_code extract_entry(
    extraction *x, struct archive *in, struct archive_entry *entry, sot_err *err)
{
	const char *name = archive_entry_pathname(entry);
	int parent = -1;
	const char *last = NULL;
	if (!name || !extract_path_is_safe(name))
		return sot_fail(err, SOT_INVALID, "entry %.120s leads out of the package, or has no name",
		    name ? name : "");
	if (++x->entries > x->limits->entries)
		return sot_fail(err, SOT_LIMIT, "the archive holds more than %llu entries",
		    (unsigned long long)x->limits->entries);
	if (archive_entry_hardlink(entry))
		return sot_fail(err, SOT_INVALID, "entry %.120s is a hard link", name);
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return extract_file(x, in, name, archive_entry_mode(entry), err);
	case AE_IFLNK:
		return note_link(x, name, archive_entry_symlink(entry), err);
	case AE_IFDIR: {
		sot_code code = open_folders(x->folder_fd, name, true, &parent, &last, err);
		if (code == SOT_OK)
			close(parent);
		return code;
	}
	default:
		return sot_fail(err, SOT_INVALID, "entry %.120s is neither file, folder nor link", name);
	}
}

static sot_code extract_all(extraction *x, struct archive *in, sot_err *err)
{
	struct archive_entry *entry = NULL;
	for (;;) {
		int rc = archive_read_next_header(in, &entry);
		if (rc == ARCHIVE_EOF)
			break;
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			return sot_fail(err, SOT_INVALID, "not a readable zip, war, jar, tar or tar.gz: %s",
			    archive_error_string(in));
		sot_code code = extract_entry(x, in, entry, err);
		if (code != SOT_OK)
			return code;
	}
	sot_code code = make_links(x, err);
	if (code == SOT_OK && syncfs(x->folder_fd) != 0)
		code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "syncfs");
	return code;
}

static struct archive *open_archive(const char *path, sot_err *err)
{
	struct archive *in = archive_read_new();
	if (!in || archive_read_support_format_zip(in) != ARCHIVE_OK ||
	    archive_read_support_format_tar(in) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(in) != ARCHIVE_OK ||
	    archive_read_open_filename(in, path, BLOCK) != ARCHIVE_OK) {
		sot_fail(err, SOT_INVALID, "not a readable zip, war, jar, tar or tar.gz: %s",
		    in ? archive_error_string(in) : "no memory");
		archive_read_free(in);
		return NULL;
	}
	return in;
}

sot_code extract_archive(
    const char *archive, const char *folder, const extract_limits *limits, sot_err *err)
{
	struct stat st;
	extraction x = {.limits = limits};
	if (stat(archive, &st) != 0)
		return sot_fail_errno(err, SOT_NOT_FOUND, errno, "%s", archive);
	x.archive_bytes = (uint64_t)st.st_size;
	x.folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (x.folder_fd < 0)
		return sot_fail_errno(err, SOT_NOT_FOUND, errno, "%s", folder);
	struct archive *in = open_archive(archive, err);
	sot_code code = in ? extract_all(&x, in, err) : SOT_INVALID;
	archive_read_free(in);
	close(x.folder_fd);
	for (size_t i = 0; i < x.link_count; i++) {
		free(x.links[i].name);
		free(x.links[i].target);
	}
	free(x.links);
	return code;
}
