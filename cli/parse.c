/* argv to a call. */
#include "cli.h"

#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_DEFAULT_MS (60 * 60 * 1000)

const cli_option cli_common_options[] = {
    {"output", "FORMAT", "table, wide, json, yaml, name or csv (lists)"},
    {"context", "NAME", "the gateway and token of an earlier login (SOTALIA_CONTEXT)"},
    {"url", "URL", "the gateway (SOTALIA_URL; default https://127.0.0.1:7443)"},
    {"token", "TOKEN", "who you are (SOTALIA_TOKEN)"},
    {"ca", "FILE", "certificate of the gateway (SOTALIA_CA)"},
    {"verbose", NULL, "show the HTTP exchange, without secrets"},
    {"help", NULL, "what this command does, with examples"},
    {NULL, NULL, NULL},
};
const cli_option cli_change_options[] = {
    {"wait", NULL,
        "follow the operation to its end, as on a terminal; --wait=10m: so long at most "
        "(default: 1h)"},
    {"detach", NULL, "do not follow the operation, on a terminal either"},
    {"idempotency-key", "KEY", "a repeated call with this key changes nothing"},
    {"reason", "TEXT", "why; kept with the operation and shown"},
    {NULL, NULL, NULL},
};
const cli_option cli_list_options[] = {
    {"watch", NULL, "go on with what changes, looked at every 2 s; --watch=10: every 10 s"},
    {NULL, NULL, NULL},
};

static size_t distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(a), m = strlen(b);
	if (n >= 64 || m >= 64)
		return 64;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t replace = diagonal + (a[i - 1] != b[j - 1]);
			size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			diagonal = row[j];
			row[j] = replace < other ? replace : other;
		}
	}
	return row[m];
}

const char *cli_nearest(const char *typed, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t best = strlen(typed) / 2 < 3 ? strlen(typed) / 2 + 1 : 4;
	for (size_t i = 0; i < count; i++) {
		size_t d = names[i] != NULL ? distance(typed, names[i]) : 64;
		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

const char *cli_option_of(const cli_call *call, const char *name, size_t nth)
{
	for (size_t i = 0; i < call->option_count; i++)
		if (strcmp(call->options[i].name, name) == 0 && nth-- == 0)
			return call->options[i].value;
	return NULL;
}

static const cli_option *find_option(const cli_option *options, sot_str name)
{
	for (; options != NULL && options->name != NULL; options++)
		if (sot_str_eq_c(name, options->name))
			return options;
	return NULL;
}

static bool say_unknown(const char *what, const char *typed, const char *nearest)
{
	cli_say("error: there is no %s '%s'%s%s%s", what, typed,
	    nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
	    nearest != NULL ? "'?" : "");
	cli_say("  try: sotalia --help");
	return false;
}

/* ---- the command ---- */
static bool is_noun(const char *text)
{
	for (size_t i = 0; i < cli_command_count(); i++)
		if (strcmp(cli_command_at(i)->noun, text) == 0)
			return true;
	return false;
}

const cli_command *cli_command_of(const char *noun, const char *verb)
{
	const cli_command *alone = NULL; /* the noun is a command, and the word no verb of it */
	for (size_t i = 0; i < cli_command_count(); i++) {
		const cli_command *c = cli_command_at(i);
		if (strcmp(c->noun, noun) != 0)
			continue;
		if (c->verb == NULL)
			alone = c;
		else if (verb != NULL && strcmp(c->verb, verb) == 0)
			return c;
	}
	return alone;
}

static bool say_unknown_noun(const char *typed)
{
	const char *names[128];
	size_t n = 0;
	for (size_t i = 0; i < cli_command_count() && n < 128; i++)
		names[n++] = cli_command_at(i)->noun;
	return say_unknown("command", typed, cli_nearest(typed, names, n));
}

static bool say_unknown_verb(const char *noun, const char *typed)
{
	const char *names[128];
	size_t n = 0;
	char what[64];
	for (size_t i = 0; i < cli_command_count() && n < 128; i++)
		if (strcmp(cli_command_at(i)->noun, noun) == 0)
			names[n++] = cli_command_at(i)->verb;
	(void)snprintf(what, sizeof(what), "command 'sotalia %s' with the verb", noun);
	return say_unknown(what, typed, cli_nearest(typed, names, n));
}

/* ---- options ---- */
static bool parse_output(cli_call *call, const char *value)
{
	static const char *const names[] = {"table", "wide", "json", "yaml", "name", "csv"};
	for (int i = 0; i < 6; i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		call->output = (cli_output)i;
		return true;
	}
	cli_say("error: -o %s is not one of table, wide, json, yaml, name, csv", value);
	return false;
}

static bool parse_wait(cli_call *call, const char *value)
{
	static const struct {
		char suffix;
		int64_t ms;
	} units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}};
	sot_str text = sot_str_c(value);
	uint64_t n = 0;
	if (value == NULL) {
		call->wait_ms = WAIT_DEFAULT_MS;
		return true;
	}
	for (size_t i = 0; i < 3 && text.n > 1; i++) {
		if (text.p[text.n - 1] != units[i].suffix)
			continue;
		if (sot_parse_u64((sot_str){text.p, text.n - 1}, 1, 100000, &n, NULL) != SOT_OK)
			break;
		call->wait_ms = (int64_t)n * units[i].ms;
		return true;
	}
	cli_say("error: --wait=%s is not a duration such as 30s, 10m or 1h", value);
	return false;
}

static bool add_option(cli_call *call, const char *name, const char *value)
{
	if (call->option_count == CLI_OPTIONS_MAX) {
		cli_say("error: more than %d options", CLI_OPTIONS_MAX);
		return false;
	}
	call->options[call->option_count].name = name;
	call->options[call->option_count++].value = value != NULL ? value : "";
	return true;
}

/* "--name=value", or "--name" with the value next. --wait takes a value only with '='. */
static bool parse_long(cli_call *call, int argc, char **argv, int *i)
{
	sot_str value, name = sot_str_cut(sot_str_c(argv[*i] + 2), '=', &value);
	const char *given = memchr(argv[*i], '=', strlen(argv[*i])) != NULL ? value.p : NULL;
	const cli_option *own = find_option(call->command->options, name);
	const cli_option *o = own != NULL ? own : find_option(cli_common_options, name);
	if (o == NULL && call->command->changes)
		o = find_option(cli_change_options, name);
	if (o == NULL && call->command->run == run_list)
		o = find_option(cli_list_options, name);
	if (o == NULL) {
		cli_say("error: %s is not an option here; see sotalia %s %s --help", argv[*i],
		    call->command->noun, call->command->verb != NULL ? call->command->verb : "");
		return false;
	}
	if (strcmp(o->name, "wait") == 0)
		return parse_wait(call, given);
	if (o->value != NULL && given == NULL && *i + 1 < argc)
		given = argv[++*i];
	if (o->value != NULL && given == NULL) {
		cli_say("error: --%s needs a value: --%s=%s", o->name, o->name, o->value);
		return false;
	}
	if (strcmp(o->name, "output") == 0)
		return parse_output(call, given);
	return add_option(call, o->name, given);
}

/* An option of the command that begins with the letter, and takes a value or does not. */
static const cli_option *option_of_letter(const cli_command *c, char letter, bool with_value)
{
	for (const cli_option *o = c->options; o != NULL && o->name != NULL; o++)
		if (o->name[0] == letter && (o->value != NULL) == with_value)
			return o;
	return NULL;
}

/* "-it": each letter is an option without a value; "-f FILE": one that takes the next word. */
static bool parse_letters(cli_call *call, int argc, char **argv, int *i)
{
	const char *letters = argv[*i] + 1;
	const cli_option *valued =
	    letters[1] == '\0' ? option_of_letter(call->command, letters[0], true) : NULL;
	if (valued != NULL && option_of_letter(call->command, letters[0], false) == NULL) {
		if (*i + 1 < argc)
			return add_option(call, valued->name, argv[++*i]);
		cli_say("error: -%c needs a value: -%c %s", letters[0], letters[0], valued->value);
		return false;
	}
	for (; *letters != '\0'; letters++) {
		const cli_option *o = option_of_letter(call->command, *letters, false);
		if (o == NULL) {
			cli_say("error: -%c is not an option; see --help", *letters);
			return false;
		}
		if (!add_option(call, o->name, NULL))
			return false;
	}
	return true;
}

static bool parse_word(cli_call *call, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	if (strcmp(word, "--") == 0 && call->command->takes_rest) {
		call->rest = argv + *i + 1;
		call->rest_count = (size_t)(argc - *i - 1);
		*i = argc;
		return true;
	}
	if (strncmp(word, "--", 2) == 0)
		return parse_long(call, argc, argv, i);
	if (strcmp(word, "-o") == 0 && *i + 1 < argc)
		return parse_output(call, argv[++*i]);
	if (word[0] == '-' && word[1] != '\0')
		return parse_letters(call, argc, argv, i);
	if (call->arg_count == CLI_ARGS_MAX) {
		cli_say("error: too many arguments");
		return false;
	}
	call->args[call->arg_count++] = word;
	return true;
}

/* A person at a terminal sees a change through to its end; a script says whether it waits. */
static bool choose_following(cli_call *call)
{
	bool detaches = cli_option_of(call, "detach", 0) != NULL;
	if (detaches && call->wait_ms > 0) {
		cli_say("error: --wait and --detach exclude each other");
		return false;
	}
	if (call->command->changes && !detaches && call->wait_ms == 0 && isatty(STDOUT_FILENO) == 1)
		call->wait_ms = WAIT_DEFAULT_MS;
	return true;
}

static bool finish(cli_call *call)
{
	const cli_command *c = call->command;
	if (call->arg_count < c->arg_min || call->arg_count > c->arg_max) {
		cli_say("error: usage: sotalia %s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
		    c->verb != NULL ? c->verb : "", c->args != NULL ? " " : "",
		    c->args != NULL ? c->args : "");
		return false;
	}
	if (call->output == CLI_CSV && c->columns == NULL) {
		cli_say("error: what sotalia %s%s%s prints is no list: -o csv is for lists; see -o json",
		    c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
		return false;
	}
	if (!choose_following(call) || !cli_call_identity(call))
		return false;
	call->idempotency_key = cli_option_of(call, "idempotency-key", 0);
	call->verbose = cli_option_of(call, "verbose", 0) != NULL;
	return true;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static void show_help(const cli_command *command, const char *noun)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 64 * 1024);
	if (command != NULL)
		cli_help_command(command, &text);
	else if (noun != NULL)
		cli_help_noun(noun, &text);
	else
		cli_help_all(&text);
	cli_print(&text);
}

bool cli_parse(int argc, char **argv, cli_call *ret, cli_exit *ret_exit)
{
	const char *noun = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
	const char *verb = argc > 2 && argv[2][0] != '-' ? argv[2] : NULL;
	bool help = wants_help(argc, argv) || (noun != NULL && strcmp(noun, "help") == 0);
	*ret = (cli_call){0};
	*ret_exit = help ? CLI_OK : CLI_USAGE;
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("sotalia %s\n", SOT_VERSION);
		*ret_exit = CLI_OK;
		return false;
	}
	if (noun == NULL || strcmp(noun, "help") == 0) {
		show_help(NULL, NULL);
		return false;
	}
	if (!is_noun(noun))
		return say_unknown_noun(noun);
	ret->command = cli_command_of(noun, verb);
	if (help || (ret->command == NULL && verb == NULL)) {
		show_help(ret->command, noun);
		return false;
	}
	if (ret->command == NULL)
		return say_unknown_verb(noun, verb);
	for (int i = ret->command->verb != NULL ? 3 : 2; i < argc; i++)
		if (!parse_word(ret, argc, argv, &i))
			return false;
	return finish(ret);
}
