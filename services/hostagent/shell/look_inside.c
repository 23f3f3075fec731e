#include "look_inside.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sot_parse.h"

enum {
	SMALL_FILE = 8192,
	COMMAND_MAX = 300, /* bytes of a process's words */
	MOUNTS_FILE = 512 * 1024,
	TEXT_MAX = 200, /* of a name of a mount */
	STAT_FIELDS = 20,
	PROCESSES_TEXT_MAX = LOOK_INSIDE_MAX - 100000, /* what is left is for mounts */
	ENTRY_MAX = 6000,                              /* every byte of one as \u0000 */
};

/* Not more than `size`; "" when the file cannot be read: the process may have ended meanwhile. */
static sot_str read_some(const char *path, char *dst, size_t size)
{
	size_t n = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (sot_str){dst, 0};
	while (n < size && (got = read(fd, dst + n, size - n)) > 0)
		n += (size_t)got;
	close(fd);
	return (sot_str){dst, got < 0 ? 0 : n};
}

static sot_str read_of(
    const figures_roots *roots, uint64_t pid, const char *name, char *dst, size_t size)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%llu/%s", roots->proc, (unsigned long long)pid, name);
	return read_some(path, dst, size);
}

static sot_str word(sot_str *rest)
{
	while (rest->n > 0 && (*rest->p == ' ' || *rest->p == '\t'))
		*rest = (sot_str){rest->p + 1, rest->n - 1};
	return sot_str_cut(*rest, memchr(rest->p ? rest->p : "", '\t', rest->n) ? '\t' : ' ', rest);
}

/* What stands behind "Key:" in /proc/PID/status. */
static sot_str value_of(sot_str text, const char *key)
{
	while (text.n > 0) {
		sot_str line = sot_str_cut(text, '\n', &text), value;
		if (sot_str_eq_c(sot_str_cut(line, ':', &value), key)) {
			while (value.n > 0 && (*value.p == ' ' || *value.p == '\t'))
				value = (sot_str){value.p + 1, value.n - 1};
			return value;
		}
	}
	return (sot_str){0};
}

static uint64_t number_of(sot_str value)
{
	uint64_t n = 0;
	for (size_t i = 0; i < value.n && i < 18 && value.p[i] >= '0' && value.p[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(value.p[i] - '0');
	return n;
}

/* "4242\t7": the host's number, then those in the namespaces below. */
static uint64_t inner_pid(sot_str status)
{
	sot_str rest = value_of(status, "NSpid"), last = {0};
	while (rest.n > 0) {
		sot_str w = word(&rest);
		last = w.n > 0 ? w : last;
	}
	return number_of(last);
}

/* ---- processes ---- */

typedef struct look {
	const figures_roots *roots;
	sot_buf *out;
	double uptime_s;
	long ticks_per_s;
	size_t shown, total;
} look;

/* The numbers behind the name in /proc/PID/stat, from the third field on. */
static void read_stat(sot_str text, uint64_t ret[static STAT_FIELDS])
{
	size_t at = text.n;
	while (at > 0 && text.p[at - 1] != ')')
		at--;
	sot_str rest = {text.p + at, text.n - at};
	for (size_t i = 0; i < STAT_FIELDS; i++)
		ret[i] = number_of(word(&rest));
}

/* Words are parted by NULs; a kernel thread or a zombie has none and shows its name. */
static void add_command(look *l, uint64_t pid, sot_str status)
{
	char words[COMMAND_MAX], name[80];
	sot_str text = read_of(l->roots, pid, "cmdline", words, sizeof(words));
	while (text.n > 0 && text.p[text.n - 1] == '\0')
		text.n--;
	for (size_t i = 0; i < text.n; i++)
		if (words[i] == '\0')
			words[i] = ' ';
	if (text.n == 0) {
		(void)snprintf(name, sizeof(name), "[%.*s]", SOT_ARG(value_of(status, "Name")));
		text = sot_str_c(name);
	}
	sot_buf_add_json(l->out, text);
}

static void add_process(look *l, uint64_t pid)
{
	char status_text[SMALL_FILE], stat_text[SMALL_FILE], parent_text[SMALL_FILE];
	sot_str status = read_of(l->roots, pid, "status", status_text, sizeof(status_text));
	uint64_t stat[STAT_FIELDS];
	if (status.n == 0 || l->shown == LOOK_PROCESSES_MAX || l->out->n > PROCESSES_TEXT_MAX)
		return;
	read_stat(read_of(l->roots, pid, "stat", stat_text, sizeof(stat_text)), stat);
	sot_str parent = read_of(
	    l->roots, number_of(value_of(status, "PPid")), "status", parent_text, sizeof(parent_text));
	sot_str state = value_of(status, "State");
	uint64_t inner = inner_pid(status);
	double age_s = l->uptime_s - (double)stat[19] / (double)l->ticks_per_s;
	sot_buf_printf(l->out,
	    "%s{\"pid\":%llu,\"parent\":%llu,\"state\":\"%c\",\"uid\":%llu,\"threads\":%llu,"
	    "\"memoryRssBytes\":%llu,\"cpuMs\":%llu,\"ageSeconds\":%lld,\"command\":",
	    l->shown++ > 0 ? "," : "", (unsigned long long)inner,
	    (unsigned long long)(inner == 1 ? 0 : inner_pid(parent)),
	    state.n > 0 && *state.p >= 'A' && *state.p <= 'z' && *state.p != '\\' ? *state.p : '?',
	    (unsigned long long)number_of(value_of(status, "Uid")),
	    (unsigned long long)number_of(value_of(status, "Threads")),
	    (unsigned long long)number_of(value_of(status, "VmRSS")) * 1024,
	    (unsigned long long)(stat[11] + stat[12]) * 1000 / (unsigned long long)l->ticks_per_s,
	    age_s > 0 ? (long long)age_s : 0);
	add_command(l, pid, status);
	sot_buf_add_char(l->out, '}');
}

static void add_processes(look *l, int pid)
{
	char path[PATH_MAX], procs[SMALL_FILE * 8], uptime[64];
	SOT_AUTO_BUF groups;
	figures_read_groups(l->roots, pid, &groups);
	bool is_v1 = figures_cgroup_path(sot_buf_str(&groups), "pids").n > 0;
	sot_str group = figures_cgroup_path(sot_buf_str(&groups), is_v1 ? "pids" : "");
	(void)snprintf(path, sizeof(path), "%s/uptime", l->roots->proc);
	sot_str up = read_some(path, uptime, sizeof(uptime));
	l->uptime_s = (double)number_of(up);
	l->ticks_per_s = sysconf(_SC_CLK_TCK);
	(void)snprintf(path, sizeof(path), "%s%s%.*s/cgroup.procs", l->roots->cgroup,
	    is_v1 ? "/pids" : "", SOT_ARG(group));
	sot_str list = read_some(path, procs, sizeof(procs));
	sot_buf_add_c(l->out, "{\"processes\":[");
	while (list.n > 0) {
		uint64_t one = number_of(sot_str_cut(list, '\n', &list));
		l->total += one > 0;
		if (one > 0)
			add_process(l, one);
	}
	sot_buf_printf(l->out, "],\"processesTotal\":%zu", l->total);
}

/* ---- mounts ---- */

/* "\040" and its like stand for blanks in /proc/PID/mountinfo. */
static void add_unescaped(sot_buf *out, sot_str text)
{
	char plain[TEXT_MAX];
	size_t n = 0;
	for (size_t i = 0; i < text.n && n < sizeof(plain); i++) {
		if (text.p[i] == '\\' && i + 3 < text.n) {
			plain[n++] = (char)((text.p[i + 1] - '0') * 64 + (text.p[i + 2] - '0') * 8 +
			                    (text.p[i + 3] - '0'));
			i += 3;
		} else {
			plain[n++] = text.p[i];
		}
	}
	sot_buf_add_json(out, (sot_str){plain, n});
}

/* "36 35 98:0 /root /target rw,noatime master:1 - ext4 /dev/root rw". Where it comes from on the
 * host is not told. */
static void add_mount(sot_buf *out, sot_str line, bool is_first)
{
	sot_str target, options, kind, source;
	for (int i = 0; i < 4; i++)
		(void)word(&line);
	target = word(&line);
	options = word(&line);
	for (sot_str w = word(&line); w.n > 0 && !sot_str_eq_c(w, "-"); w = word(&line))
		continue;
	kind = word(&line);
	source = word(&line);
	sot_buf_add_c(out, is_first ? "{\"target\":" : ",{\"target\":");
	add_unescaped(out, target);
	sot_buf_add_c(out, ",\"type\":");
	add_unescaped(out, kind);
	sot_buf_add_c(out, ",\"source\":");
	add_unescaped(out, source);
	sot_buf_add_c(out, ",\"options\":");
	add_unescaped(out, options);
	sot_buf_printf(out, ",\"readOnly\":%s}",
	    sot_str_eq_c(options, "ro") || sot_str_starts(options, "ro,") ? "true" : "false");
}

static void add_mounts(const look *l, int pid)
{
	size_t shown = 0, total = 0;
	char *text = sot_alloc(MOUNTS_FILE);
	sot_str rest = read_of(l->roots, (uint64_t)pid, "mountinfo", text, MOUNTS_FILE);
	sot_buf_add_c(l->out, ",\"mounts\":[");
	while (rest.n > 0) {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		total++;
		if (shown < LOOK_MOUNTS_MAX && l->out->n < LOOK_INSIDE_MAX - ENTRY_MAX)
			add_mount(l->out, line, shown++ == 0);
	}
	sot_buf_printf(l->out, "],\"mountsTotal\":%zu}", total);
	free(text);
}

bool look_inside(const figures_roots *roots, int pid, sot_buf *ret)
{
	look l = {.roots = roots, .out = ret};
	add_processes(&l, pid);
	add_mounts(&l, pid);
	return l.shown > 0 && !sot_buf_failed(ret);
}

int look_inside_main(const char *pid)
{
	uint64_t n = 0;
	SOT_AUTO_BUF out;
	sot_buf_init(&out, LOOK_INSIDE_MAX);
	if (sot_parse_u64(sot_str_c(pid), 1, INT_MAX, &n, NULL) != SOT_OK ||
	    !look_inside(&figures_kernel_roots, (int)n, &out)) {
		(void)fprintf(stderr, "no instance has the process %s", pid);
		return 1;
	}
	return fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0 ? 0 : 1;
}
