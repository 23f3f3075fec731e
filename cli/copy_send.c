#include "copy.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { BLOCK = 65536, NAME_TEXT = 256, LINK_TARGET_MAX = 4096 };

typedef struct sending {
	struct archive *out;
	struct archive_entry *entry;
	copy_progress *progress;
	bool is_whole; /* nothing was left out so far */
	bool is_cut;   /* the other side reads no more */
} sending;

static void left_out(sending *s, const char *path, const char *why)
{
	char name[NAME_TEXT];
	s->is_whole = false;
	cli_say("error: %s was left out: %s", copy_clean(path, name, sizeof(name)), why);
}

static bool write_head(sending *s, const FTSENT *f, const char *name, const struct stat *st)
{
	archive_entry_clear(s->entry);
	archive_entry_copy_stat(s->entry, st);
	archive_entry_set_pathname(s->entry, name);
	if (S_ISLNK(st->st_mode)) {
		char target[LINK_TARGET_MAX];
		ssize_t n = readlink(f->fts_accpath, target, sizeof(target) - 1);
		if (n < 0) {
			left_out(s, f->fts_path, strerror(errno));
			return false;
		}
		target[n] = '\0';
		archive_entry_set_symlink(s->entry, target);
	}
	if (!S_ISREG(st->st_mode))
		archive_entry_set_size(s->entry, 0);
	int rc = archive_write_header(s->out, s->entry);
	if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
		return true;
	s->is_cut = rc == ARCHIVE_FATAL;
	if (!s->is_cut)
		left_out(s, f->fts_path, archive_error_string(s->out));
	return false;
}

/* As many bytes as its head says: what grows meanwhile is cut, what shrinks is filled with zeros.
 */
static void send_content(sending *s, const FTSENT *f, int fd, uint64_t left)
{
	static char block[BLOCK];
	ssize_t n = 1;
	while (left > 0 && n > 0 && !s->is_cut) {
		n = read(fd, block, left < sizeof(block) ? (size_t)left : sizeof(block));
		if (n <= 0)
			break;
		s->is_cut = archive_write_data(s->out, block, (size_t)n) < 0;
		left -= (uint64_t)n;
		copy_progress_add(s->progress, (uint64_t)n);
	}
	if (left > 0 && !s->is_cut)
		left_out(s, f->fts_path, n < 0 ? strerror(errno) : "it became shorter while it was read");
}

static void send_file(sending *s, const FTSENT *f, const char *name)
{
	struct stat st;
	int fd = open(f->fts_accpath, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		left_out(s, f->fts_path, fd < 0 ? strerror(errno) : "it is no file any more");
	} else if (write_head(s, f, name, &st)) {
		copy_progress_file(s->progress, name);
		send_content(s, f, fd, (uint64_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
}

static void send_one(sending *s, const FTSENT *f, const char *name)
{
	switch (f->fts_info) {
	case FTS_F:
		send_file(s, f, name);
		break;
	case FTS_D:
	case FTS_SL:
	case FTS_SLNONE:
		(void)write_head(s, f, name, f->fts_statp);
		break;
	case FTS_DP:
		break;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		left_out(s, f->fts_path, strerror(f->fts_errno));
		break;
	default:
		left_out(s, f->fts_path, "it is neither file, folder nor link");
		break;
	}
}

static void send_tree(sending *s, FTS *walk, size_t prefix, sot_str top)
{
	FTSENT *f;
	sot_buf name;
	sot_buf_init(&name, BLOCK);
	while (!s->is_cut && (f = fts_read(walk)) != NULL) {
		const char *below = f->fts_path + prefix; /* "" or "/a/b" */
		if (f->fts_level == 0 && top.n == 0 && f->fts_info == FTS_D)
			continue; /* only what is in it */
		sot_buf_reset(&name);
		sot_buf_add_str(&name, top);
		sot_buf_add_c(&name, top.n == 0 && *below == '/' ? below + 1 : below);
		send_one(s, f, name.p);
	}
	sot_buf_clear(&name);
}

/* A link that is named is followed, those that are found are copied as links. */
static void send_named(sending *s, char *source, sot_str top)
{
	char *const roots[] = {source, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	if (walk == NULL) {
		left_out(s, source, strerror(errno));
		return;
	}
	send_tree(s, walk, strlen(source), top);
	fts_close(walk);
}

/* "a/b/", "a/b/." -> "a/b": names in the stream begin behind it. */
static char *trimmed(const char *source)
{
	char *copy = sot_strdup(source);
	for (size_t n = strlen(copy); n > 1; n--) {
		bool is_slash = copy[n - 1] == '/';
		bool is_dot = copy[n - 1] == '.' && copy[n - 2] == '/';
		if (!is_slash && !is_dot)
			break;
		copy[n - 1] = '\0';
	}
	return copy;
}

bool copy_send(const char *source, sot_str top, int out, copy_progress *p)
{
	sending s = {
	    .out = archive_write_new(), .entry = archive_entry_new(), .progress = p, .is_whole = true};
	char *path = trimmed(source);
	bool ready = archive_write_set_format_gnutar(s.out) == ARCHIVE_OK &&
	             archive_write_set_bytes_per_block(s.out, BLOCK) == ARCHIVE_OK &&
	             archive_write_set_bytes_in_last_block(s.out, 1) == ARCHIVE_OK &&
	             archive_write_open_fd(s.out, out) == ARCHIVE_OK;
	if (ready)
		send_named(&s, path, top);
	s.is_cut = s.is_cut || !ready || archive_write_close(s.out) != ARCHIVE_OK;
	archive_entry_free(s.entry);
	archive_write_free(s.out);
	free(path);
	return s.is_whole && !s.is_cut;
}
