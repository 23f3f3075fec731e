#include "copy.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { BLOCK = 65536, NAME_TEXT = 256, MODE_BITS = 0777 };

typedef struct receiving {
	struct archive *in, *out;
	int fd;
	uint64_t bytes; /* of the stream */
	char block[BLOCK];
	sot_str top;
	sot_buf first; /* the first part of all names */
	copy_progress *progress;
	bool is_whole;
} receiving;

static void left_out(receiving *r, const char *path, const char *why)
{
	char name[NAME_TEXT];
	r->is_whole = false;
	cli_say("error: %s was left out: %s", copy_clean(path, name, sizeof(name)), why);
}

static la_ssize_t read_block(struct archive *in, void *self, const void **ret)
{
	receiving *r = self;
	ssize_t n;
	do
		n = read(r->fd, r->block, sizeof(r->block));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(in, errno, "read");
	r->bytes += n > 0 ? (uint64_t)n : 0;
	*ret = r->block;
	return n;
}

/* The name below the target folder, or NULL: it is not for us. Empty: the folder itself. */
static const char *own_name(receiving *r, const char *name, sot_buf *dst)
{
	sot_str rest;
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	sot_str first = sot_str_cut(sot_str_c(name), '/', &rest);
	if (first.n == 0 || sot_str_eq_c(first, ".."))
		return NULL;
	if (r->first.n == 0)
		sot_buf_add_str(&r->first, first);
	if (!sot_str_eq(first, sot_buf_str(&r->first)))
		return NULL;
	sot_str top = r->top.p == NULL ? first : r->top;
	sot_buf_add_str(dst, top);
	if (top.n > 0 && rest.n > 0)
		sot_buf_add_char(dst, '/');
	sot_buf_add_str(dst, rest);
	return sot_buf_failed(dst) ? NULL : dst->p;
}

static bool copy_content(receiving *r, const char *name)
{
	const void *piece;
	size_t n;
	la_int64_t offset;
	for (;;) {
		int rc = archive_read_data_block(r->in, &piece, &n, &offset);
		if (rc == ARCHIVE_EOF)
			return true;
		if (rc != ARCHIVE_OK) {
			left_out(r, name, archive_error_string(r->in));
			return false;
		}
		if (archive_write_data_block(r->out, piece, n, offset) != ARCHIVE_OK) {
			left_out(r, name, archive_error_string(r->out));
			return true; /* the next one may have room */
		}
		copy_progress_add(r->progress, n);
	}
}

/* False: the stream is broken. */
static bool write_entry(receiving *r, struct archive_entry *entry, const char *name)
{
	archive_entry_set_pathname(entry, name);
	archive_entry_set_perm(entry, archive_entry_perm(entry) & MODE_BITS);
	if (archive_entry_filetype(entry) == AE_IFREG)
		copy_progress_file(r->progress, name);
	int rc = archive_write_header(r->out, entry);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
		left_out(r, name, archive_error_string(r->out));
		return rc != ARCHIVE_FATAL;
	}
	if (archive_entry_filetype(entry) == AE_IFREG && !copy_content(r, name))
		return false;
	if (archive_write_finish_entry(r->out) != ARCHIVE_OK)
		left_out(r, name, archive_error_string(r->out));
	return true;
}

static bool take_entry(receiving *r, struct archive_entry *entry)
{
	const char *given = archive_entry_pathname(entry);
	__LA_MODE_T type = archive_entry_filetype(entry);
	SOT_AUTO_BUF name;
	sot_buf_init(&name, BLOCK);
	if (given == NULL || own_name(r, given, &name) == NULL) {
		left_out(r, given != NULL ? given : "", "it is not of what was asked for");
		return true;
	}
	if (archive_entry_hardlink(entry) != NULL ||
	    (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)) {
		left_out(r, given, "it is neither file, folder nor symbolic link");
		return true;
	}
	if (name.n == 0 && type == AE_IFDIR)
		return true; /* only what is in it */
	if (name.n == 0) {
		left_out(r, given, "it is no folder");
		return true;
	}
	return write_entry(r, entry, name.p);
}

static void take_all(receiving *r)
{
	struct archive_entry *entry = NULL;
	for (;;) {
		int rc = archive_read_next_header(r->in, &entry);
		if (rc == ARCHIVE_EOF)
			return;
		bool is_good = rc == ARCHIVE_OK || rc == ARCHIVE_WARN;
		if (!is_good && r->bytes > 0) /* without a byte the other side has said why */
			cli_say("error: what came is no tar stream, or it was cut: %s",
			    archive_error_string(r->in));
		if (!is_good || !take_entry(r, entry)) {
			r->is_whole = false;
			return;
		}
	}
}

/* What fills the last record: a writer that finds nobody reading ends with an error. */
static void drain(receiving *r)
{
	const void *ignored;
	while (read_block(r->in, r, &ignored) > 0)
		continue;
}

static bool open_streams(receiving *r)
{
	static const int flags = ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
	                         ARCHIVE_EXTRACT_SECURE_NODOTDOT |
	                         ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;
	return archive_read_support_format_tar(r->in) == ARCHIVE_OK &&
	       archive_write_disk_set_options(r->out, flags) == ARCHIVE_OK;
}

bool copy_receive(int in, const char *into, sot_str top, copy_progress *p, uint64_t *ret_bytes)
{
	static receiving r;
	r = (receiving){.in = archive_read_new(),
	    .out = archive_write_disk_new(),
	    .fd = in,
	    .top = top,
	    .progress = p,
	    .is_whole = true};
	sot_buf_init(&r.first, BLOCK);
	if (chdir(into) != 0) {
		cli_say("error: %s: %s", into, strerror(errno));
		r.is_whole = false;
	} else if (open_streams(&r)) {
		/* Opening reads; the first head says what is wrong with it. */
		if (archive_read_open(r.in, &r, NULL, read_block, NULL) == ARCHIVE_OK)
			take_all(&r);
		else
			r.is_whole = false;
		drain(&r);
		if (archive_write_close(r.out) != ARCHIVE_OK)
			left_out(&r, into, archive_error_string(r.out));
	}
	archive_write_free(r.out);
	archive_read_free(r.in);
	sot_buf_clear(&r.first);
	*ret_bytes = r.bytes;
	return r.is_whole && r.bytes > 0;
}
