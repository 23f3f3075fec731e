#include "load_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sot_file.h"
#include "sot_parse.h"
#include "test_folder.h"

enum { ARGUMENTS = 24, AWAIT_STEP_MS = 20, COMMITS = 101, WAL_FILES = 64 };

static load_world *the_world; /* for load_die: nothing may outlive the program */

_Noreturn void load_die(const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s: %s\n", the_world ? the_world->program : "load", what, why);
	for (int pair = 0; the_world && pair < LOAD_PAIRS; pair++) {
		load_end(&the_world->schedulers[pair], SIGKILL);
		load_end(&the_world->ipams[pair], SIGKILL);
	}
	if (the_world && the_world->dir[0])
		(void)test_folder_remove(the_world->dir);
	exit(1);
}

/* ---- SQL ---- */

static PGresult *query(load_world *w, const char *text)
{
	PGresult *res = PQexec(w->pg, text);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		load_die(text, PQerrorMessage(w->pg));
	return res;
}

int64_t load_sql(load_world *w, const char *fmt, ...)
{
	char text[4096];
	int64_t value = 0;
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	PGresult *res = query(w, text);
	if (PQntuples(res) > 0 && !PQgetisnull(res, 0, 0) &&
	    sot_parse_i64(sot_str_c(PQgetvalue(res, 0, 0)), INT64_MIN, INT64_MAX, &value, NULL) !=
	        SOT_OK)
		value = 0;
	PQclear(res);
	return value;
}

void load_await(load_world *w, int64_t value, int64_t limit_ms, const char *sql)
{
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), limit_ms);
	while (load_sql(w, "%s", sql) < value) {
		sot_mono step = sot_mono_add_ms(sot_mono_now(), AWAIT_STEP_MS);
		if (sot_mono_reached(sot_mono_now(), limit))
			load_die("never came true", sql);
		do
			reactor_turn(w->loop, AWAIT_STEP_MS);
		while (!sot_mono_reached(sot_mono_now(), step));
	}
}

/* ---- the world ---- */

static void make_keys(load_world *w, const char *name, bus_keypair *keys)
{
	char path[200];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/%s.key", w->dir, name);
	if (bus_keypair_make(keys, &err) != SOT_OK || bus_keypair_save(path, keys, &err) != SOT_OK)
		load_die("keys", err.text);
	(void)snprintf(path, sizeof(path), "%s/%s.pub", w->dir, name);
	if (sot_file_write(path, sot_str_c(keys->public_key), 0644, &err) != SOT_OK)
		load_die("keys", err.text);
}

static void make_catalogue(load_world *w)
{
	(void)load_sql(w, "INSERT INTO scheduler.image (name, reference) VALUES ('img', 'img:1')");
	(void)load_sql(w, "INSERT INTO ipam.vlan (id, name, vlan_id)"
	                  " VALUES ('00000000-0000-7000-8000-000000000007', 'lab', 7)");
	(void)load_sql(w, "INSERT INTO ipam.subnet (id, vlan, cidr, gateway, first, last) VALUES"
	                  " ('00000000-0000-7000-8000-000000000008',"
	                  " '00000000-0000-7000-8000-000000000007', '10.64.0.0/11', '10.64.0.1',"
	                  " '10.64.0.2', '10.95.255.254')");
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

load_world *load_world_new(const char *program, char **argv)
{
	bus_keypair scheduler, gateway, ipam;
	char text[300];
	sot_err err = {0};
	if (!getenv("SOT_PG_DIR")) {
		char *again[] = {(char *)(uintptr_t)PG_SCRIPT, (char *)(uintptr_t) "run", argv[0], argv[1],
		    argv[1] ? argv[2] : NULL, argv[1] && argv[2] ? argv[3] : NULL, NULL};
		(void)execv(PG_SCRIPT, again);
		load_die("starting", PG_SCRIPT);
	}
	raise_descriptor_limit();
	load_world *w = the_world = sot_alloc(sizeof(*w));
	w->program = program;
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/sotalia-load.XXXXXX");
	(void)snprintf(w->pg_dir, sizeof(w->pg_dir), "%s", getenv("SOT_PG_DIR"));
	(void)snprintf(text, sizeof(text), "host=%s dbname=sotalia user=postgres", w->pg_dir);
	w->pg = PQconnectdb(text);
	if (!mkdtemp(w->dir) || PQstatus(w->pg) != CONNECTION_OK)
		load_die(w->dir, PQerrorMessage(w->pg));
	make_keys(w, "scheduler", &scheduler);
	make_keys(w, "api-gateway", &gateway);
	make_keys(w, "ipam", &ipam);
	memcpy(w->scheduler_key, scheduler.public_key, sizeof(w->scheduler_key));
	if (reactor_new(&w->loop, &err) != SOT_OK ||
	    bus_new(w->loop, &gateway, &w->gateway, &err) != SOT_OK)
		load_die("bus", err.text);
	make_catalogue(w);
	return w;
}

load_world *load_world_free(load_world *w)
{
	for (int pair = 0; pair < LOAD_PAIRS; pair++) {
		load_end(&w->schedulers[pair], SIGTERM);
		load_end(&w->ipams[pair], SIGTERM);
	}
	bus_free(w->gateway);
	reactor_free(w->loop);
	PQfinish(w->pg);
	(void)test_folder_remove(w->dir);
	free(w);
	the_world = NULL;
	return NULL;
}

/* ---- hosts ---- */

sot_uuid load_host_id(size_t number)
{
	sot_uuid id = {{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80}};
	for (int i = 0; i < 4; i++)
		id.b[15 - i] = (uint8_t)(number >> (8 * i));
	return id;
}

static void make_host(load_world *w, size_t n, const char *key, sot_buf *values)
{
	char id[SOT_UUID_TEXT];
	(void)w;
	sot_buf_printf(values,
	    "%s('%s','host%05zu','az%zu','rack%zu','%s','online','20.10',%d,%llu,%llu,now(),now())",
	    values->n > 0 ? "," : "", sot_uuid_format(load_host_id(n), id), n, n % 3,
	    n / 120 * 3 + n % 3, key, LOAD_HOST_CPU_MILLI, (unsigned long long)LOAD_HOST_MEMORY,
	    (unsigned long long)LOAD_HOST_DISK);
}

void load_make_hosts(load_world *w, size_t first, size_t hosts, const char (*keys)[BUS_KEY_TEXT])
{
	SOT_AUTO_BUF values = {0}, text = {0};
	char nobody[BUS_KEY_TEXT];
	sot_buf_init(&values, 16u << 20);
	sot_buf_init(&text, 17u << 20);
	for (size_t n = 0; n < hosts; n++) {
		(void)snprintf(nobody, sizeof(nobody), "nobody.%033zu", first + n);
		make_host(w, first + n, keys ? keys[n] : nobody, &values);
	}
	sot_buf_printf(&text,
	    "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, docker_version,"
	    " cpu_milli, memory_bytes, disk_bytes, created_at, seen_at) VALUES %s",
	    values.p);
	PQclear(query(w, text.p));
}

/* ---- processes ---- */

void load_endpoint(const load_world *w, const char *name, int pair, char *dst, size_t dst_size)
{
	(void)snprintf(dst, dst_size, "ipc://%s/%s%d", w->dir, name, pair);
}

/* What it says goes behind the end of the log file. */
static pid_t spawn(char **argv, const char *log_path)
{
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid_t parent = getpid(), pid = fork();
	if (pid < 0 || log < 0)
		load_die(log_path, strerror(errno));
	if (pid > 0) {
		(void)close(log);
		return pid;
	}
	/* Dies with its parent, however that ends. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && dup2(log, 2) == 2)
		(void)execv(argv[0], argv);
	_exit(127);
}

typedef struct arguments {
	char text[ARGUMENTS][400];
	char *argv[ARGUMENTS + 1];
	int count;
} arguments;

static void add(arguments *a, const char *fmt, ...) SOT_PRINTF(2, 3);
static void add(arguments *a, const char *fmt, ...)
{
	va_list args;
	if (a->count == ARGUMENTS)
		load_die("arguments", "too many");
	va_start(args, fmt);
	(void)vsnprintf(a->text[a->count], sizeof(a->text[0]), fmt, args);
	va_end(args);
	a->argv[a->count] = a->text[a->count];
	a->argv[++a->count] = NULL;
}

static void add_endpoints(
    const load_world *w, arguments *a, const char *service, const char *const *names, int pair)
{
	for (; *names; names++)
		add(a, "--%s_endpoint=ipc://%s/%s-%s%d", *names, w->dir, service, *names, pair);
	add(a, "--keys_dir=%s", w->dir);
	add(a, "--control_socket=%s/%s-control%d", w->dir, service, pair);
}

void load_start_ipam(load_world *w, int pair)
{
	static const char *const endpoints[] = {"requests", "hints", "agents", NULL};
	arguments a = {.count = 0};
	char log[120];
	add(&a, "%s", IPAM_BINARY);
	add_endpoints(w, &a, "ipam", endpoints, pair);
	add(&a, "--database=host=%s dbname=sotalia user=sot_ipam", w->pg_dir);
	add(&a, "--log_level=warn");
	for (const char **option = w->ipam_options; *option; option++)
		add(&a, "%s", *option);
	(void)snprintf(log, sizeof(log), "%s/ipam%d.log", w->dir, pair);
	w->ipams[pair] = spawn(a.argv, log);
}

void load_start_scheduler(load_world *w, int pair)
{
	static const char *const endpoints[] = {"requests", "hints", "agents", "reports", NULL};
	arguments a = {.count = 0};
	char log[120];
	add(&a, "%s", SCHEDULER_BINARY);
	add_endpoints(w, &a, "scheduler", endpoints, pair);
	add(&a, "--ipam_endpoint=ipc://%s/ipam-requests%d", w->dir, pair);
	add(&a, "--database=host=%s dbname=sotalia user=sot_scheduler",
	    w->scheduler_pg_dir ? w->scheduler_pg_dir : w->pg_dir);
	add(&a, "--instance=pair%d", pair);
	static const char *const unlimited[] = {"--starts_per_host=0", "--starts_per_rack=0",
	    "--starts_in_all=0", "--pulls_per_image=0", "--operations_max=1000000",
	    "--requests_max=1000000"};
	for (size_t k = 0; w->no_limits && k < sizeof(unlimited) / sizeof(unlimited[0]); k++)
		add(&a, "%s", unlimited[k]);
	for (const char **option = w->scheduler_options; *option; option++)
		add(&a, "%s", *option);
	(void)snprintf(log, sizeof(log), "%s/scheduler%d.log", w->dir, pair);
	w->schedulers[pair] = spawn(a.argv, log);
}

void load_end(pid_t *pid, int signo)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, signo);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
}

/* ---- what processes use ---- */

/* Field `number` (from 1, as in proc(5)) of /proc/<pid>/stat; 0 when there is none. */
static uint64_t stat_field(pid_t pid, int number)
{
	char path[64];
	uint64_t value = 0;
	SOT_AUTO_BUF text = {0};
	sot_buf_init(&text, 4096);
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (sot_file_read(path, &text, NULL) != SOT_OK)
		return 0;
	sot_str rest = sot_buf_str(&text);
	while (rest.n > 0 && memchr(rest.p, ')', rest.n))
		(void)sot_str_cut(rest, ')', &rest);
	for (int i = 2; i <= number && rest.n > 0; i++) {
		sot_str word = sot_str_cut(rest, ' ', &rest);
		if (i == number && sot_parse_u64(word, 0, UINT64_MAX, &value, NULL) != SOT_OK)
			value = 0;
	}
	return value;
}

double load_rss_mib(pid_t pid)
{
	return (double)stat_field(pid, 24) * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

double load_cpu_s(pid_t pid)
{
	return (double)(stat_field(pid, 14) + stat_field(pid, 15)) / (double)sysconf(_SC_CLK_TCK);
}

double load_postgres_cpu_s(void)
{
	uint64_t postmaster = 0, pid = 0;
	double sum = 0;
	if (sot_parse_u64(sot_str_c(getenv("SOT_PG_PID")), 1, INT32_MAX, &postmaster, NULL) != SOT_OK)
		load_die("SOT_PG_PID", "is no process");
	DIR *proc = opendir("/proc");
	for (struct dirent *entry = proc ? readdir(proc) : NULL; entry; entry = readdir(proc)) {
		if (sot_parse_u64(sot_str_c(entry->d_name), 1, INT32_MAX, &pid, NULL) == SOT_OK &&
		    stat_field((pid_t)pid, 4) == postmaster)
			sum += load_cpu_s((pid_t)pid);
	}
	if (proc)
		(void)closedir(proc);
	return sum;
}

void load_age_wal(load_world *w)
{
	(void)load_sql(w, "ALTER SYSTEM SET min_wal_size = '%d MB'", WAL_FILES * 16);
	(void)load_sql(w, "ALTER SYSTEM SET max_wal_size = '%d MB'", WAL_FILES * 64);
	(void)load_sql(w, "SELECT pg_reload_conf()::int");
	(void)load_sql(w,
	    "DO $$ BEGIN FOR k IN 1..%d LOOP"
	    " PERFORM pg_logical_emit_message(false, 'a', 'file'), pg_switch_wal(); END LOOP; END $$",
	    WAL_FILES);
	(void)load_sql(w, "CHECKPOINT");
}

static int compare_times(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double load_commit_ms(load_world *w)
{
	double took[COMMITS];
	(void)load_sql(w, "CREATE TABLE public.floor (n int)");
	(void)load_sql(w, "PREPARE floor AS INSERT INTO public.floor VALUES (1)");
	for (size_t k = 0; k < COMMITS; k++) {
		struct timespec before, after;
		(void)clock_gettime(CLOCK_MONOTONIC, &before);
		(void)load_sql(w, "EXECUTE floor");
		(void)clock_gettime(CLOCK_MONOTONIC, &after);
		took[k] = (double)(after.tv_sec - before.tv_sec) * 1e3 +
		          (double)(after.tv_nsec - before.tv_nsec) / 1e6;
	}
	(void)load_sql(w, "DROP TABLE public.floor");
	qsort(took, COMMITS, sizeof(*took), compare_times);
	return took[COMMITS / 2];
}
