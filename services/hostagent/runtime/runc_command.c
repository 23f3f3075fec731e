#include "runc_command.h"

#include <string.h>

/* Options of runc 1.1 that take a value; all others are switches. */
static const char *const global_values[] = {"log", "log-format", "root", "criu", "rootless", NULL};
static const char *const create_values[] = {"bundle", "b", "console-socket", "pid-file",
    "preserve-fds", "image-path", "work-path", "manage-cgroups-mode", "lsm-profile",
    "lsm-mount-context", "empty-ns", "parent-path", NULL};

static bool listed(const char *const *list, const char *name, size_t n)
{
	for (; *list; list++)
		if (strlen(*list) == n && memcmp(*list, name, n) == 0)
			return true;
	return false;
}

/* Reads the option at *at and leaves *at on its last argument. */
static sot_code read_option(int argc, const char *const *argv, int *at, const char *const *values,
    runc_command *c, sot_err *err)
{
	const char *name = argv[*at];
	while (*name == '-')
		name++;
	const char *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const char *value = equals ? equals + 1 : NULL;

	if (!value && listed(values, name, n)) {
		if (*at + 1 >= argc)
			return sot_fail(err, SOT_INVALID, "runc's option %s has no value", argv[*at]);
		value = argv[++*at];
	}
	bool bundle = (n == 6 && memcmp(name, "bundle", 6) == 0) || (n == 1 && *name == 'b');
	if (value && bundle && c->verb)
		c->bundle = value;
	if (value && n == 3 && memcmp(name, "log", 3) == 0 && !c->verb)
		c->log = value;
	return SOT_OK;
}

static int read_own_options(int argc, const char *const *argv, runc_command *c)
{
	static const char state[] = "--sotalia-state=", runc[] = "--sotalia-runc=",
	                  view[] = "--sotalia-view=";
	int i = 1;
	for (; i < argc; i++) {
		if (strncmp(argv[i], state, sizeof(state) - 1) == 0)
			c->state = argv[i] + sizeof(state) - 1;
		else if (strncmp(argv[i], runc, sizeof(runc) - 1) == 0)
			c->runc = argv[i] + sizeof(runc) - 1;
		else if (strncmp(argv[i], view, sizeof(view) - 1) == 0)
			c->view = argv[i] + sizeof(view) - 1;
		else
			break;
	}
	return i;
}

static bool verb_creates(const char *verb)
{
	return strcmp(verb, "create") == 0 || strcmp(verb, "run") == 0 || strcmp(verb, "restore") == 0;
}

static sot_code read_create(int argc, const char *const *argv, int i, runc_command *c, sot_err *err)
{
	bool options = true;
	c->bundle = ".";
	for (; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			sot_code code = read_option(argc, argv, &i, create_values, c, err);
			if (code != SOT_OK)
				return code;
		} else if (!c->container_id) {
			c->container_id = argv[i];
			options = false; /* runc stops reading options at its first operand */
		}
	}
	if (!c->container_id)
		return sot_fail(err, SOT_INVALID, "runc %s without a container id", c->verb);
	return SOT_OK;
}

sot_code runc_command_parse(int argc, const char *const *argv, runc_command *ret, sot_err *err)
{
	runc_command c = {0};
	int i = read_own_options(argc, argv, &c);

	c.runc_first = i;
	for (; i < argc && argv[i][0] == '-'; i++) {
		sot_code code = read_option(argc, argv, &i, global_values, &c, err);
		if (code != SOT_OK)
			return code;
	}
	if (i < argc) {
		c.verb = argv[i];
		c.creates = verb_creates(c.verb);
	}
	if (c.creates) {
		sot_code code = read_create(argc, argv, i + 1, &c, err);
		if (code != SOT_OK)
			return code;
	}
	*ret = c;
	return SOT_OK;
}
