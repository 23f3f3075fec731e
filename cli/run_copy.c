/* sotalia cp: files and folders to and from an instance, as tar streams of sessions of exec.
 *
 *   this process: the session (exec_session)  <-- pipes -->  a child: the files here (copy.h)
 *
 * One session for each source, so that each is a line of the audit. */
#include "copy.h"
#include "exec_session.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_LENGTH_MAX = 16 * 1024, INSTANCE_TEXT = 80, ANSWER_TEXT = 16 };

/* "shop-default-01:/data/x" or a path of this machine. */
typedef struct place {
	char instance[INSTANCE_TEXT]; /* "": here */
	const char *path;
} place;

typedef struct copying {
	const cli_call *call;
	place source, target;
	bool is_upload, has_many; /* many: the target must be a folder */
	int in, out;              /* the child's ends, then closed here */
} copying;

/* As scp reads it: a colon before any slash. */
static bool read_place(const char *text, place *ret)
{
	const char *colon = strchr(text, ':'), *slash = strchr(text, '/');
	*ret = (place){.path = text};
	if (colon == NULL || colon == text || (slash != NULL && slash < colon))
		return true;
	if ((size_t)(colon - text) >= sizeof(ret->instance)) {
		cli_say("error: '%s' names no instance; a file with a colon in its name is ./FILE", text);
		return false;
	}
	(void)snprintf(ret->instance, sizeof(ret->instance), "%.*s", (int)(colon - text), text);
	ret->path = colon[1] != '\0' ? colon + 1 : ".";
	return true;
}

/* ---- the far side: lines for the shell of the instance ---- */

/* It answers whether the target is a folder that takes the source, or a new name for it. */
static const char take_script[] =
    "if [ -d \"$t\" ]; then cd -- \"$t\" && echo into; "
    "else cd -- \"$(dirname -- \"$t\")\" && echo as; fi && exec tar -x -f -";
/* A link that is named is followed, as scp does; those below stay links. */
static const char give_script[] =
    "t=$(realpath -e -- \"$t\") && cd -- \"$(dirname -- \"$t\")\" && "
    "exec tar -c --hard-dereference -f - -- \"$(basename -- \"$t\")\"";

/* It begins with words for those who read the audit. */
static void add_line(const copying *c, sot_buf *out)
{
	const char *user = cli_option_of(c->call, "sudo", 0);
	const char *script = c->is_upload ? take_script : give_script;
	sot_buf_printf(out, ": sotalia cp %s; t=", c->is_upload ? "to" : "from");
	cli_add_quoted(out, c->is_upload ? c->target.path : c->source.path);
	if (user != NULL) {
		sot_buf_add_c(out, "; exec sudo -n -u ");
		cli_add_quoted(out, user);
		sot_buf_add_c(out, " -- /bin/sh -c 't=$1; '");
		cli_add_quoted(out, script);
		sot_buf_add_c(out, " sh \"$t\"");
	} else {
		sot_buf_add_c(out, "; ");
		sot_buf_add_c(out, script);
	}
}

/* ---- the near side: in the child ---- */

/* Up to its line feed, byte by byte: what is behind it is not for us. */
static bool read_answer(int fd, char answer[static ANSWER_TEXT])
{
	for (size_t n = 0; n < ANSWER_TEXT; n++) {
		if (read(fd, &answer[n], 1) != 1)
			return false;
		if (answer[n] == '\n') {
			answer[n] = '\0';
			return true;
		}
	}
	return false;
}

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static sot_str base_of(const char *path, char real[static PATH_MAX])
{
	sot_str base = copy_base(path);
	if (base.n == 0 && realpath(path, real) != NULL)
		base = copy_base(real);
	return base;
}

static bool upload(const copying *c, copy_progress *p)
{
	char answer[ANSWER_TEXT], real[PATH_MAX];
	const char *source = c->source.path;
	if (!read_answer(c->in, answer))
		return false; /* the far side has said why */
	if (strcmp(answer, "into") == 0) {
		sot_str top = copy_is_contents(source) ? (sot_str){source, 0} : base_of(source, real);
		return copy_send(source, top, c->out, p);
	}
	sot_str name = copy_base(c->target.path);
	size_t n = strlen(c->target.path);
	bool wants_folder = n > 0 && c->target.path[n - 1] == '/' && !is_folder(source);
	if (!c->has_many && name.n > 0 && !wants_folder)
		return copy_send(source, name, c->out, p);
	cli_say("error: %s is no folder in %s; make it first", c->target.path, c->target.instance);
	return false;
}

static bool download(const copying *c, copy_progress *p)
{
	uint64_t bytes = 0;
	const char *target = c->target.path;
	sot_str base = copy_base(c->source.path);
	sot_str cut = {target, 0}, keep = {NULL, 0};
	sot_str top = copy_is_contents(c->source.path) ? cut : base.n > 0 ? base : keep;
	if (is_folder(target))
		return copy_receive(c->in, target, top, p, &bytes);
	sot_str name = copy_base(target);
	size_t n = strlen(target);
	if (c->has_many || name.n == 0 || target[n - 1] == '/') {
		cli_say("error: %s is no folder here; make it first", target);
		return false;
	}
	char *parent = name.p > target ? sot_strndup((sot_str){target, (size_t)(name.p - target)})
	                               : sot_strdup(".");
	bool done = copy_receive(c->in, parent, name, p, &bytes);
	free(parent);
	return done;
}

static int be_near_side(const copying *c)
{
	copy_progress p;
	copy_progress_begin(&p);
	bool done = c->is_upload ? upload(c, &p) : download(c, &p);
	if (done || p.files > 0)
		copy_progress_end(&p);
	return done ? 0 : 1;
}

/* ---- both ---- */

static void close_both(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

/* The pid; -1 when it could not be made. *ret_in, *ret_out: this process's ends. */
static pid_t start_near_side(copying *c, int *ret_in, int *ret_out)
{
	int up[2], down[2];
	if (pipe(up) != 0)
		return -1;
	if (pipe(down) != 0) {
		close_both(up);
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		close(up[0]);
		close(down[1]);
		c->out = up[1];
		c->in = down[0];
		_exit(be_near_side(c));
	}
	close(up[1]);
	close(down[0]);
	if (pid < 0) {
		close(up[0]);
		close(down[1]);
	}
	*ret_in = up[0];
	*ret_out = down[1];
	return pid;
}

/* tar says 1 when a file changed while it was read, as logs do, and has said so. */
static bool is_good(const copying *c, int far_status, int near_status)
{
	return near_status == 0 && (far_status == 0 || (!c->is_upload && far_status == 1));
}

static cli_exit copy_one(copying *c)
{
	int in = -1, out = -1, far_status = EXEC_SESSION_BROKEN, near_status = -1;
	const place *far = c->is_upload ? &c->target : &c->source;
	SOT_AUTO_BUF line;
	sot_buf_init(&line, COMMAND_LENGTH_MAX);
	add_line(c, &line);
	if (sot_buf_failed(&line)) {
		cli_say("error: the path in %s is longer than %d bytes", far->instance, COMMAND_LENGTH_MAX);
		return CLI_USAGE;
	}
	pid_t child = start_near_side(c, &in, &out);
	if (child < 0) {
		cli_say("error: no process for the files here: %s", strerror(errno));
		return CLI_FAILED;
	}
	exec_wish wish = {.instance = far->instance,
	    .account = cli_option_of(c->call, "as", 0),
	    .command = line.p,
	    .interactive = c->is_upload,
	    .in = in,
	    .out = out,
	    .err = STDERR_FILENO};
	cli_exit result = exec_session_run(c->call, &wish, &far_status);
	close(in);
	close(out);
	while (waitpid(child, &near_status, 0) < 0 && errno == EINTR)
		continue;
	if (result != CLI_OK)
		return result;
	return is_good(c, far_status, near_status) ? CLI_OK : CLI_FAILED;
}

static bool check(const cli_call *call, const place *places, size_t count)
{
	const place *target = &places[count - 1];
	const char *account = cli_option_of(call, "as", 0);
	for (size_t i = 0; i + 1 < count; i++)
		if ((places[i].instance[0] != '\0') == (target->instance[0] != '\0')) {
			cli_say("error: either '%s' or '%s' must be in an instance, as INSTANCE:PATH",
			    call->args[i], call->args[count - 1]);
			return false;
		}
	if (target->instance[0] != '\0' && account != NULL && strcmp(account, "readonly") == 0) {
		cli_say(
		    "error: the account readonly only reads: nothing can be copied to an instance as it");
		return false;
	}
	return true;
}

cli_exit run_copy(const cli_call *call)
{
	place places[CLI_ARGS_MAX];
	size_t count = call->arg_count;
	for (size_t i = 0; i < count; i++)
		if (!read_place(call->args[i], &places[i]))
			return CLI_USAGE;
	if (!check(call, places, count))
		return CLI_USAGE;
	cli_exit result = CLI_OK;
	for (size_t i = 0; i + 1 < count && result == CLI_OK; i++) {
		copying c = {.call = call,
		    .source = places[i],
		    .target = places[count - 1],
		    .is_upload = places[count - 1].instance[0] != '\0',
		    .has_many = count > 2};
		result = copy_one(&c);
	}
	return result;
}
