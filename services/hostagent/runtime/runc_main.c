/* sotalia-runc - the OCI runtime that dockerd calls for instances: runc, preceded by one step. For
 * a verb that creates a container it adds the record's mounts, LXCFS's view and the network hook to
 * the bundle's config.json; every other verb goes straight on to runc. Without a record nothing
 * starts: an instance must never run without its own address. Without LXCFS it starts, and the
 * agent gives it the view later.
 */
#include "net_record.h"
#include "oci_config.h"
#include "runc_command.h"
#include "used_record.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sot_mem.h"

enum { VIEW_PROBE_MS = 1000 };

/* The hook lies beside this program. */
static sot_code find_hook(char ret[static PATH_MAX], sot_err *err)
{
	static const char name[] = "sotalia-net-hook";
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);
	if (n < 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "readlink /proc/self/exe");
	ret[n] = '\0';
	char *slash = strrchr(ret, '/');
	size_t folder_n = slash ? (size_t)(slash - ret) + 1 : 0;
	if (folder_n + sizeof(name) > PATH_MAX)
		return sot_fail(err, SOT_LIMIT, "the path of this program is too long");
	memcpy(ret + folder_n, name, sizeof(name));
	if (access(ret, X_OK) != 0)
		return sot_fail_errno(err, SOT_NOT_FOUND, errno, "%s; install it beside sotalia-runc", ret);
	return SOT_OK;
}

/* Leaves a copy of the record that this start uses: the agent compares it with the record to see
 * whether the running process still belongs to an older one. */
static sot_code note_used(const char *state, const char *id, sot_str text, sot_err *err)
{
	char boot[USED_RECORD_BOOT_MAX + 1];
	sot_code code = used_record_this_boot(boot, err);
	return code == SOT_OK ? used_record_write(state, id, text, boot, err) : code;
}

/* runc would say "not a directory" or "no such file" of a path that its user has never seen. */
static sot_code check_mounts(const net_record *record, sot_err *err)
{
	for (size_t i = 0; i < record->mount_count; i++)
		if (access(record->mounts[i].source, F_OK) != 0)
			return sot_fail_errno(err, SOT_NOT_FOUND, errno,
			    "nothing to mount on %.100s, until the agent runs and fetches it again: %.200s",
			    record->mounts[i].destination, record->mounts[i].source);
	return SOT_OK;
}

/* No LXCFS is no reason not to start. */
static void find_view(const char *dir, oci_additions *a)
{
	sot_err ignored = {0};
	if (!*dir || view_probe(dir, VIEW_PROBE_MS, &ignored) != SOT_OK)
		return;
	a->view = dir;
	for (size_t i = 0; i < VIEW_FILES_MAX; i++)
		a->has_file[i] = view_has(dir, &view_files[i]);
}

static sot_code prepare(const runc_command *command, sot_err *err)
{
	char hook[PATH_MAX];
	oci_additions additions = {.hook_path = hook, .state = command->state};
	net_record record = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, NET_RECORD_FILE_MAX);

	if (!command->state)
		return sot_fail(err, SOT_INVALID,
		    "--sotalia-state=DIR is missing in the runtimeArgs of dockerd's runtime");
	sot_code code = find_hook(hook, err);
	if (code == SOT_OK)
		code = net_record_load(command->state, command->container_id, &text, &record, err);
	if (code != SOT_OK)
		return sot_wrap(
		    err, "container %.64s gets no network, so it does not start", command->container_id);
	code = check_mounts(&record, err);
	additions.record = &record;
	if (code == SOT_OK) {
		find_view(command->view ? command->view : VIEW_DIR_DEFAULT, &additions);
		code = oci_config_rewrite(command->bundle, &additions, err);
	}
	if (code == SOT_OK)
		code = note_used(command->state, command->container_id, sot_buf_str(&text), err);
	net_record_clear(&record);
	return code;
}

static int run_runc(const runc_command *command, int argc, char **argv)
{
	size_t count = (size_t)(argc - command->runc_first);
	char **arguments = sot_alloc_array(count + 2, sizeof(*arguments));
	arguments[0] = sot_strdup("runc");
	for (size_t i = 0; i < count; i++)
		arguments[i + 1] = argv[command->runc_first + (int)i];
	if (command->runc) {
		execv(command->runc, arguments);
	} else {
		execv("/usr/sbin/runc", arguments);
		execvp("runc", arguments);
	}
	fprintf(stderr, "sotalia-runc: cannot start %s: %s\n",
	    command->runc ? command->runc : "runc (/usr/sbin/runc or $PATH)", strerror(errno));
	free(arguments[0]);
	free(arguments);
	return 1;
}

/* containerd shows the last error of runc's log file to the user of Docker. */
static void write_log(const char *path, const sot_err *err)
{
	SOT_AUTO_BUF line = {0};
	char now[32] = "";
	time_t seconds = time(NULL);
	struct tm parts;
	FILE *file = fopen(path, "ae");
	if (!file)
		return;
	if (gmtime_r(&seconds, &parts))
		(void)strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &parts);
	sot_buf_init(&line, 4096);
	sot_buf_add_c(&line, "{\"level\":\"error\",\"msg\":");
	sot_buf_add_json(&line, sot_str_c(err->text));
	sot_buf_printf(&line, ",\"time\":\"%s\"}\n", now);
	(void)fwrite(line.p, 1, line.n, file);
	(void)fclose(file);
}

int main(int argc, char **argv)
{
	sot_err err = {0};
	runc_command command = {0};
	sot_code code = runc_command_parse(argc, (const char *const *)argv, &command, &err);
	if (code == SOT_OK && command.creates)
		code = prepare(&command, &err);
	if (code != SOT_OK) {
		fprintf(stderr, "sotalia-runc: %s\n", err.text);
		if (command.log)
			write_log(command.log, &err);
		return 1;
	}
	return run_runc(&command, argc, argv);
}
