#include "ssh_logins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder_watch.h"
#include "gateway_call.h"
#include "login_lines.h"
#include "session_end.h"
#include "sot_file.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sot_parse.h"
#include "ssh_link.h"

enum {
	PIECE = 65536,
	BATCH_MAX = 50,
	ANSWER_MAX = 4096,
	AGAIN_MS = 10000,
	WAITING_MAX = 500,
	LOOK_ALL_EVERY = 30 /* looks: whatever the kernel told of changes */
};

/* Up to where a journal was read or told: a file and an offset in it. */
typedef struct place {
	uint64_t file; /* inode; 0: nothing yet */
	uint64_t offset;
} place;

/* A line that the gateway has not confirmed. */
typedef struct waiting {
	login_line line;
	place end; /* behind it */
} waiting;

typedef struct journal {
	sot_uuid id;
	place read, told;
	login_sessions sessions;
	waiting *waiting;
	size_t waiting_count;
	bool started;
	int folder;      /* handle of the watch on its folder, or FOLDER_WATCH_NONE */
	bool is_touched; /* there may be something to read */
} journal;

struct ssh_logins {
	agent *a;
	sot_map *journals; /* instance id -> journal */
	folder_watch *folders;
	sot_map *by_folder; /* handle -> journal */
	unsigned looks;
	reactor_watch *look;
	journal *telling; /* whose lines are on their way */
	size_t telling_count;
	sot_mono tell_after;
	sot_metric *logins, *ended;
};

/* ---- reading ---- */

static void path_of(
    const ssh_logins *l, sot_uuid id, const char *name, char dst[static PLAN_PATH_MAX])
{
	char text[SOT_UUID_TEXT];
	(void)snprintf(dst, PLAN_PATH_MAX, "%s/instances/%s/%s", l->a->config->state_dir,
	    sot_uuid_format(id, text), name);
}

/* A regular file of the instance's own, or -1: its root may have put a link or a pipe there. */
static int open_journal(const ssh_logins *l, sot_uuid id, const char *name, struct stat *st)
{
	char path[PLAN_PATH_MAX];
	path_of(l, id, name, path);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool is_before(place end, place told)
{
	return end.file == told.file && end.offset <= told.offset;
}

static void take_line(ssh_logins *l, journal *j, sot_str text, place end, bool was_told)
{
	login_line line;
	if (!login_line_parse(text, &line))
		return;
	login_sessions_take(&j->sessions, &line);
	if (was_told || is_before(end, j->told))
		return;
	if (line.kind == LOGIN_BEGINS)
		sot_metric_add(l->logins, 1);
	j->waiting =
	    sot_grow_array(j->waiting, j->waiting_count, j->waiting_count + 1, sizeof(*j->waiting));
	j->waiting[j->waiting_count++] = (waiting){line, end};
}

/* The whole lines of one piece behind j->read, which moves on. False: there was nothing. A line
 * that is longer than a piece is none of ours and is skipped. */
static bool read_piece(ssh_logins *l, journal *j, int fd, bool was_told)
{
	static char piece[PIECE];
	ssize_t n = pread(fd, piece, sizeof(piece), (off_t)j->read.offset);
	if (n <= 0)
		return false;
	const char *last = memrchr(piece, '\n', (size_t)n);
	size_t whole = last ? (size_t)(last - piece) + 1 : 0;
	if (whole == 0 && n < PIECE)
		return false;
	size_t used = whole > 0 ? whole : (size_t)n;
	for (sot_str rest = {piece, whole}; rest.n > 0;) {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		place end = {j->read.file, j->read.offset + (whole - rest.n)};
		take_line(l, j, line, end, was_told);
	}
	j->read.offset += used;
	return true;
}

/* The rest of the file that became logins.1, before the new one begins. */
static void read_older(ssh_logins *l, journal *j, uint64_t current)
{
	struct stat st;
	int fd = open_journal(l, j->id, "logins/logins.1", &st);
	if (fd < 0)
		return;
	if (!j->started)
		j->read = (place){st.st_ino, 0};
	bool was_told = !j->started && j->told.file == current;
	while (j->read.file == st.st_ino && j->waiting_count < WAITING_MAX &&
	       read_piece(l, j, fd, was_told))
		continue;
	close(fd);
}

static void read_journal(ssh_logins *l, journal *j)
{
	struct stat st;
	int fd = open_journal(l, j->id, "logins/logins", &st);
	j->is_touched = false;
	if (fd < 0)
		return;
	if (j->read.file != st.st_ino) {
		read_older(l, j, st.st_ino);
		j->read = (place){st.st_ino, 0};
	}
	if ((off_t)j->read.offset > st.st_size)
		j->read.offset = 0; /* somebody cut it */
	bool got = true;
	while (got && j->waiting_count < WAITING_MAX) {
		got = read_piece(l, j, fd, false);
		if (j->started)
			break; /* at the start all of it, then one piece a look */
	}
	j->started = true;
	j->is_touched = got; /* there may be more */
	close(fd);
}

/* ---- how far it was told ---- */

static void load_told(const ssh_logins *l, journal *j)
{
	char path[PLAN_PATH_MAX];
	sot_str rest;
	place p = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 128);
	path_of(l, j->id, "logins.told", path);
	if (sot_file_read(path, &text, NULL) != SOT_OK)
		return;
	sot_str file = sot_str_cut(sot_buf_str(&text), ' ', &rest);
	if (sot_parse_u64(file, 0, UINT64_MAX, &p.file, NULL) == SOT_OK &&
	    sot_parse_u64(sot_str_cut(rest, '\n', &rest), 0, UINT64_MAX, &p.offset, NULL) == SOT_OK)
		j->told = p;
}

static void save_told(const ssh_logins *l, const journal *j)
{
	char path[PLAN_PATH_MAX], text[64];
	sot_err err = {0};
	path_of(l, j->id, "logins.told", path);
	(void)snprintf(text, sizeof(text), "%llu %llu\n", (unsigned long long)j->told.file,
	    (unsigned long long)j->told.offset);
	if (sot_file_write(path, sot_str_c(text), 0600, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "ssh.told", &err, "effect=told_again");
}

/* ---- telling ---- */

static void add_line(sot_buf *out, sot_uuid id, const login_line *line)
{
	static const char *const kinds[] = {"boot", "login", "logout", "drift", "same"};
	char text[SOT_UUID_TEXT];
	sot_buf_printf(out, "{\"kind\":\"%s\",\"instance\":\"%s\",\"atUnixMs\":%lld,\"pid\":%lld",
	    kinds[line->kind], sot_uuid_format(id, text), (long long)line->at_unix_ms,
	    (long long)line->pid);
	if (line->kind == LOGIN_BEGINS)
		sot_buf_printf(out,
		    ",\"account\":\"%s\",\"address\":\"%s\",\"port\":%u,\"keyId\":\"%s\",\"serial\":%llu,"
		    "\"fingerprint\":\"%s\"",
		    line->account, line->address, line->port, line->key_id,
		    (unsigned long long)line->serial, line->fingerprint);
	if (line->path[0] != '\0')
		sot_buf_printf(out, ",\"path\":\"%s\"", line->path);
	sot_buf_add_char(out, '}');
}

static void on_told(void *self, const http_reply *reply)
{
	ssh_logins *l = self;
	journal *j = l->telling;
	sot_err err = {0};
	l->telling = NULL;
	/* A batch that is refused for its form would be refused for ever. */
	bool is_lost = reply->code == SOT_OK && reply->status == 400;
	if (gateway_call_fault(reply, 200, 200, &err) != NULL) {
		sot_log_err(
		    is_lost ? SOT_WARN : SOT_DEBUG, "ssh.tell", &err, "lost=%s", is_lost ? "yes" : "no");
		l->tell_after = sot_mono_add_ms(reactor_now(l->a->loop), AGAIN_MS);
		if (!is_lost)
			return;
	}
	j->told = j->waiting[l->telling_count - 1].end;
	j->waiting_count -= l->telling_count;
	memmove(j->waiting, j->waiting + l->telling_count, j->waiting_count * sizeof(*j->waiting));
	save_told(l, j);
}

static void tell(ssh_logins *l, journal *j)
{
	SOT_AUTO_BUF body;
	sot_err err = {0};
	sot_buf_init(&body, 256 * 1024);
	size_t count = j->waiting_count < BATCH_MAX ? j->waiting_count : BATCH_MAX;
	sot_buf_add_c(&body, "{\"logins\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			sot_buf_add_char(&body, ',');
		add_line(&body, j->id, &j->waiting[i].line);
	}
	sot_buf_add_c(&body, "]}");
	l->telling_count = count;
	if (gateway_call(l->a, "POST", "/v1/ssh/logins", sot_buf_str(&body), ANSWER_MAX, on_told, l,
	        &err) == SOT_OK) {
		l->telling = j;
		return;
	}
	sot_log_err(SOT_WARN, "ssh.tell", &err, "%s", "");
	l->tell_after = sot_mono_add_ms(reactor_now(l->a->loop), AGAIN_MS);
}

/* ---- ending ---- */

static void end_session(ssh_logins *l, const journal *j, const login_line *s, const char *why)
{
	instance *i = reconcile_find(l->a->reconcile, j->id);
	const container_facts *c = i ? instance_container(i) : NULL;
	if (!c || !c->running || c->pid <= 0)
		return;
	size_t killed = session_end(c->pid, s->pid);
	if (killed == 0)
		return;
	sot_metric_add(l->ended, 1);
	sot_log(SOT_INFO, "ssh.session_ended",
	    "name=%.*s account=%s key_id=%s serial=%llu reason=%s processes=%zu",
	    SOT_ARG(instance_want(i)->spec.name), s->account, s->key_id, (unsigned long long)s->serial,
	    why, killed);
}

static void enforce_one(ssh_logins *l, const journal *j, const ssh_document *d)
{
	int64_t oldest_ms = reactor_wall(l->a->loop).unix_ms - l->a->config->ssh_session_s * 1000;
	for (size_t i = 0; i < j->sessions.count; i++) {
		const login_line *s = &j->sessions.open[i];
		if (ssh_document_revokes(d, s->serial, s->fingerprint))
			end_session(l, j, s, "revoked");
		else if (s->at_unix_ms < oldest_ms)
			end_session(l, j, s, "too_long");
	}
}

void ssh_logins_enforce(ssh_logins *l, const ssh_document *d)
{
	sot_map_iter it = {0};
	for (journal *j; (j = sot_map_next(l->journals, &it, NULL)) != NULL;)
		enforce_one(l, j, d);
}

/* ---- the look ---- */

static journal *journal_free(journal *j)
{
	free(j->waiting);
	free(j);
	return NULL;
}

static void watch_folder(ssh_logins *l, journal *j)
{
	char path[PLAN_PATH_MAX];
	path_of(l, j->id, "logins", path);
	j->folder = folder_watch_add(l->folders, path);
	if (j->folder != FOLDER_WATCH_NONE)
		(void)sot_map_set(l->by_folder, &j->folder, sizeof(j->folder), j);
	j->is_touched = true;
}

static void unwatch_folder(ssh_logins *l, journal *j)
{
	folder_watch_remove(l->folders, j->folder);
	if (j->folder != FOLDER_WATCH_NONE)
		(void)sot_map_remove(l->by_folder, &j->folder, sizeof(j->folder));
	j->folder = FOLDER_WATCH_NONE;
}

static void touch_all(ssh_logins *l)
{
	sot_map_iter it = {0};
	for (journal *j; (j = sot_map_next(l->journals, &it, NULL)) != NULL;)
		j->is_touched = true;
}

static void on_folder(void *self, folder_change change, int handle)
{
	ssh_logins *l = self;
	journal *j = sot_map_get(l->by_folder, &handle, sizeof(handle));
	if (change == FOLDER_ANY)
		touch_all(l);
	if (j)
		j->is_touched = true;
	if (j && change == FOLDER_GONE)
		unwatch_folder(l, j);
}

static void forget_gone(ssh_logins *l)
{
	sot_map_iter it = {0};
	for (journal *j; (j = sot_map_next(l->journals, &it, NULL)) != NULL;)
		if (!desired_get(l->a->desired, j->id) && j != l->telling) {
			(void)sot_map_remove(l->journals, j->id.b, sizeof(j->id.b));
			unwatch_folder(l, j);
			journal_free(j);
		}
}

static journal *journal_of(ssh_logins *l, sot_uuid id)
{
	journal *j = sot_map_get_uuid(l->journals, id);
	if (!j) {
		j = sot_alloc(sizeof(*j));
		j->id = id;
		j->folder = FOLDER_WATCH_NONE;
		(void)sot_map_set_uuid(l->journals, id, j);
		load_told(l, j);
	}
	return j;
}

static void on_look(void *self, uint64_t missed)
{
	ssh_logins *l = self;
	sot_map_iter it = {0};
	(void)missed;
	forget_gone(l);
	folder_watch_take(l->folders, on_folder, l);
	if (l->looks++ % LOOK_ALL_EVERY == 0)
		touch_all(l);
	for (desired_instance *i; (i = desired_next(l->a->desired, &it)) != NULL;) {
		journal *j = journal_of(l, i->spec.instance_id);
		if (j->folder == FOLDER_WATCH_NONE)
			watch_folder(l, j);
		if (j->is_touched && j != l->telling)
			read_journal(l, j);
		if (j->waiting_count > 0 && !l->telling &&
		    sot_mono_reached(reactor_now(l->a->loop), l->tell_after))
			tell(l, j);
		enforce_one(l, j, ssh_link_document(l->a->ssh));
	}
}

size_t ssh_logins_on(const ssh_logins *l, sot_uuid instance_id)
{
	const journal *j = sot_map_get_uuid(l->journals, instance_id);
	return j ? j->sessions.count : 0;
}

ssh_logins *ssh_logins_new(agent *a)
{
	ssh_logins *l = sot_alloc(sizeof(*l));
	l->a = a;
	l->journals = sot_map_new();
	l->folders = folder_watch_new();
	l->by_folder = sot_map_new();
	l->logins = sot_counter("sot_hostagent_ssh_logins_total", NULL, "Log-ins to instances");
	l->ended = sot_counter(
	    "sot_hostagent_ssh_sessions_ended_total", NULL, "Sessions that were ended from outside");
	l->look = reactor_together_ms(a->loop, a->config->ssh_look_ms, on_look, l);
	return l;
}

ssh_logins *ssh_logins_free(ssh_logins *l)
{
	sot_map_iter it = {0};
	if (!l)
		return NULL;
	for (journal *j; (j = sot_map_next(l->journals, &it, NULL)) != NULL;)
		journal_free(j);
	(void)sot_map_free(l->journals);
	(void)sot_map_free(l->by_folder);
	l->folders = folder_watch_free(l->folders);
	reactor_remove(l->look);
	free(l);
	return NULL;
}
