#include "docker_json.h"

#include "sot_parse.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NANO_PER_MILLI = 1000000, LOG_HEAD = 8, CPUS_TEXT_MAX = 8192 };

/* A VM-like instance: sudo and a login daemon work inside, nothing reaches out. */
static const char *const capabilities[] = {"CHOWN", "SETUID", "SETGID", "DAC_OVERRIDE", "FOWNER",
    "FSETID", "NET_BIND_SERVICE", "KILL", "SYS_CHROOT", "AUDIT_WRITE"};

static json_t *text(sot_str s)
{
	return json_stringn(s.p ? s.p : "", s.n);
}

static json_t *environment(const sot_instance_spec *spec)
{
	json_t *list = json_array();
	for (size_t i = 0; i < spec->env_count; i++)
		(void)json_array_append_new(list,
		    json_sprintf("%.*s=%.*s", SOT_ARG(spec->env[i].name), SOT_ARG(spec->env[i].value)));
	if (spec->command.n > 0)
		(void)json_array_append_new(
		    list, json_sprintf("SOTALIA_COMMAND=%.*s", SOT_ARG(spec->command)));
	return list;
}

static json_t *labels(const sot_instance_spec *spec, const char *id, uint64_t epoch)
{
	char fingerprint[PLAN_SHA256_TEXT];
	plan_fingerprint(spec, fingerprint);
	json_t *object = json_object();
	(void)json_object_set_new(object, "sot.instance", json_string(id));
	(void)json_object_set_new(object, "sot.name", text(spec->name));
	(void)json_object_set_new(object, "sot.app", text(spec->app));
	(void)json_object_set_new(
	    object, "sot.generation", json_sprintf("%llu", (unsigned long long)spec->generation));
	(void)json_object_set_new(object, "sot.spec_sha256", json_string(fingerprint));
	(void)json_object_set_new(object, "sot.epoch", json_sprintf("%llu", (unsigned long long)epoch));
	return object;
}

static json_t *binds(const char *state_dir, const char *id)
{
	return json_pack("[o,o,o]",
	    json_sprintf("%s/instances/%s/applogs:/data/applogs:rw", state_dir, id),
	    json_sprintf("%s/instances/%s/appdatas:/data/appdatas:rw", state_dir, id),
	    json_sprintf("%s/instances/%s/identity:/etc/sotalia:ro", state_dir, id));
}

/* What a container may use; the same words when it is made and when it is changed. */
static json_t *limits(const sot_instance_spec *spec, const cpus *processors)
{
	json_t *object = json_pack("{s:I,s:I,s:I,s:I}", "Memory", (json_int_t)spec->memory_bytes,
	    "MemorySwap", (json_int_t)spec->memory_bytes, "NanoCpus",
	    (json_int_t)spec->cpu_milli * NANO_PER_MILLI, "PidsLimit", (json_int_t)plan_pids_max(spec));
	SOT_AUTO_BUF set;
	sot_buf_init(&set, CPUS_TEXT_MAX);
	cpus_format(processors, &set);
	if (set.n > 0)
		(void)json_object_set_new(object, "CpusetCpus", json_stringn(set.p, set.n));
	if (spec->io_weight > 0)
		(void)json_object_set_new(object, "BlkioWeight", json_integer(spec->io_weight));
	return object;
}

static json_t *host_config(
    const sot_instance_spec *spec, const docker_json_setup *setup, const char *id)
{
	json_t *added = json_array(), *object = limits(spec, &setup->processors);
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		(void)json_array_append_new(added, json_string(capabilities[i]));
	json_t *rest = json_pack("{s:s,s:s,s:{s:s},s:{s:s,s:{s:s,s:s}},s:[s],s:o,s:o,s:b}",
	    "NetworkMode", "none", "Runtime", "sotalia", "RestartPolicy", "Name", "unless-stopped",
	    "LogConfig", "Type", "json-file", "Config", "max-size", "10m", "max-file", "3", "CapDrop",
	    "ALL", "CapAdd", added, "Binds", binds(setup->state_dir, id), "Privileged", 0);
	(void)json_object_update(object, rest);
	json_decref(rest);
	return object;
}

static sot_code dump(json_t *object, sot_buf *out, sot_err *err)
{
	char *bytes = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!bytes)
		return sot_fail(err, SOT_INTERNAL, "a request to Docker cannot be written as JSON");
	sot_buf_add_c(out, bytes);
	free(bytes);
	return sot_buf_failed(out) ? sot_fail(err, SOT_LIMIT, "a request to Docker is too long")
	                           : SOT_OK;
}

sot_code docker_json_create(
    const sot_instance_spec *spec, const docker_json_setup *setup, sot_buf *out, sot_err *err)
{
	char id[SOT_UUID_TEXT];
	sot_uuid_format(spec->instance_id, id);
	json_t *object = json_pack("{s:o,s:o,s:o,s:o,s:o}", "Hostname", text(spec->name), "Image",
	    text(spec->image), "Env", environment(spec), "Labels", labels(spec, id, setup->epoch),
	    "HostConfig", host_config(spec, setup, id));
	return dump(object, out, err);
}

sot_code docker_json_limits(
    const sot_instance_spec *spec, const cpus *processors, sot_buf *out, sot_err *err)
{
	return dump(limits(spec, processors), out, err);
}

int64_t docker_json_time(const char *stamp)
{
	struct tm parts = {0};
	const char *rest = stamp ? strptime(stamp, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
	if (!rest || parts.tm_year < 70)
		return 0;
	int64_t ms = 0, unit = 100;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9' && unit > 0; rest++, unit /= 10)
			ms += (*rest - '0') * unit;
	return (int64_t)timegm(&parts) * 1000 + ms;
}

static void read_state(const json_t *state, container_facts *f)
{
	const char *error = json_string_value(json_object_get(state, "Error"));
	const char *started = json_string_value(json_object_get(state, "StartedAt"));
	f->running = json_is_true(json_object_get(state, "Running")) &&
	             !json_is_true(json_object_get(state, "Restarting"));
	f->engine_restarts_it = json_is_true(json_object_get(state, "Restarting"));
	f->frozen = f->running && json_is_true(json_object_get(state, "Paused"));
	f->pid = (int)json_integer_value(json_object_get(state, "Pid"));
	f->started_unix_ms = docker_json_time(started);
	f->ever_started = f->started_unix_ms > 0;
	if (f->running)
		return;
	if (error && *error)
		(void)snprintf(
		    f->exit_text, sizeof(f->exit_text), "%.*s", (int)sizeof(f->exit_text) - 1, error);
	else if (f->ever_started)
		(void)snprintf(f->exit_text, sizeof(f->exit_text), "exited with status %lld%s",
		    (long long)json_integer_value(json_object_get(state, "ExitCode")),
		    json_is_true(json_object_get(state, "OOMKilled")) ? ", out of memory" : "");
}

static void copy_member(const json_t *object, const char *key, char *dst, size_t size)
{
	const char *value = json_string_value(json_object_get(object, key));
	if (value && strlen(value) < size)
		memcpy(dst, value, strlen(value) + 1);
}

/* Absent ones are limits that the kernel or the Engine lacks. */
static void read_more_limits(const json_t *has, container_facts *f)
{
	json_int_t pids = json_integer_value(json_object_get(has, "PidsLimit"));
	json_int_t weight = json_integer_value(json_object_get(has, "BlkioWeight"));
	const char *set = json_string_value(json_object_get(has, "CpusetCpus"));
	f->pids_max = pids > 0 && pids < UINT32_MAX ? (uint32_t)pids : 0;
	f->io_weight = weight > 0 && weight < UINT16_MAX ? (uint32_t)weight : 0;
	if (cpus_parse(sot_str_c(set), &f->processors, NULL) != SOT_OK)
		f->processors = (cpus){{0}};
}

sot_code docker_json_inspect(
    sot_str body, sot_uuid *ret_instance, container_facts *ret, sot_err *err)
{
	json_t *object = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
	const json_t *has = json_object_get(object, "HostConfig");
	const json_t *marks = json_object_get(json_object_get(object, "Config"), "Labels");
	const char *id = json_string_value(json_object_get(marks, "sot.instance"));
	container_facts f = {0};
	sot_uuid owner;
	sot_code code = sot_uuid_parse(sot_str_c(id), &owner, err);
	if (code != SOT_OK) {
		json_decref(object);
		return sot_fail(err, SOT_INVALID, "the container has no label sot.instance");
	}
	copy_member(object, "Id", f.id, sizeof(f.id));
	copy_member(marks, "sot.spec_sha256", f.fingerprint, sizeof(f.fingerprint));
	copy_member(json_object_get(json_object_get(object, "GraphDriver"), "Data"), "UpperDir",
	    f.upper_dir, sizeof(f.upper_dir));
	read_state(json_object_get(object, "State"), &f);
	f.engine_restarts = (uint32_t)json_integer_value(json_object_get(object, "RestartCount"));
	f.memory_bytes = (uint64_t)json_integer_value(json_object_get(has, "Memory"));
	f.cpu_milli = (uint32_t)(json_integer_value(json_object_get(has, "NanoCpus")) / NANO_PER_MILLI);
	read_more_limits(has, &f);
	json_decref(object);
	*ret_instance = owner;
	*ret = f;
	return SOT_OK;
}

static const char *words_of(const json_t *object, const char *member)
{
	const char *words = json_string_value(json_object_get(object, member));
	return words ? words : "";
}

/* Without the slash that the Engine puts in front. */
static const char *listed_name(const json_t *item)
{
	const char *name = json_string_value(json_array_get(json_object_get(item, "Names"), 0));
	return !name ? "" : name[0] == '/' ? name + 1 : name;
}

sot_code docker_json_list(sot_str body, docker_json_each_fn each, void *self, sot_err *err)
{
	json_t *list = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
	if (!json_is_array(list)) {
		json_decref(list);
		return sot_fail(err, SOT_UNAVAILABLE, "Docker's list of containers is not a list");
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *marks = json_object_get(item, "Labels");
		docker_json_item one = {.container_id = words_of(item, "Id"),
		    .state = words_of(item, "State"),
		    .created_unix_s = json_integer_value(json_object_get(item, "Created")),
		    .name = listed_name(item),
		    .image = words_of(item, "Image"),
		    .instance_name = words_of(marks, "sot.name"),
		    .app = words_of(marks, "sot.app")};
		if (sot_parse_u64(sot_str_c(words_of(marks, "sot.generation")), 0, INT64_MAX,
		        &one.generation, NULL) != SOT_OK)
			one.generation = 0;
		one.is_ours = plan_container_instance(sot_str_c(one.name), &one.instance);
		each(self, &one);
	}
	json_decref(list);
	return SOT_OK;
}

void docker_json_version(sot_str body, char *dst, size_t size)
{
	json_t *object = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
	copy_member(object, "Version", dst, size);
	json_decref(object);
}

bool docker_json_event(sot_str line, sot_uuid *ret_instance)
{
	json_t *object = json_loadb(line.p ? line.p : "", line.n, 0, NULL);
	const json_t *actor = json_object_get(json_object_get(object, "Actor"), "Attributes");
	const char *id = json_string_value(json_object_get(actor, "sot.instance"));
	bool found = id && sot_uuid_parse(sot_str_c(id), ret_instance, NULL) == SOT_OK;
	json_decref(object);
	return found;
}

sot_code docker_json_pull(sot_str body, sot_err *err)
{
	while (body.n > 0) {
		sot_str line = sot_str_cut(body, '\n', &body);
		json_t *object = json_loadb(line.p ? line.p : "", line.n, 0, NULL);
		const char *words = json_string_value(json_object_get(object, "error"));
		if (words)
			(void)sot_fail(err, SOT_UNAVAILABLE, "pull: %s", words);
		bool failed = words != NULL;
		json_decref(object);
		if (failed)
			return SOT_UNAVAILABLE;
	}
	return SOT_OK;
}

/* At most max bytes of it, without half a line where it was cut. */
static sot_str cut_logs(sot_str text, size_t max, docker_logs_part part)
{
	if (part == DOCKER_LOGS_OLDEST) {
		text.n = max;
		while (text.n > 0 && text.p[text.n - 1] != '\n')
			text.n--;
	} else {
		text.p += text.n - max;
		text.n = max;
		(void)sot_str_cut(text, '\n', &text);
	}
	return text;
}

bool docker_json_logs(sot_str body, size_t max, docker_logs_part part, sot_buf *out)
{
	SOT_AUTO_BUF all;
	bool cut = false;
	sot_buf_init(&all, body.n + 1);
	while (body.n > 0) {
		const uint8_t *h = (const uint8_t *)body.p;
		size_t n = body.n < LOG_HEAD
		               ? SIZE_MAX
		               : (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];
		if (body.n < LOG_HEAD || n > body.n - LOG_HEAD) {
			cut = true;
			break;
		}
		sot_buf_add(&all, body.p + LOG_HEAD, n);
		body.p += LOG_HEAD + n;
		body.n -= LOG_HEAD + n;
	}
	sot_str text = sot_buf_str(&all);
	sot_buf_add_str(out, text.n > max ? cut_logs(text, max, part) : text);
	return cut || text.n > max;
}
