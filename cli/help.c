/* Help texts, made from the table of commands. */
#include "cli.h"

#include <string.h>

static const char exit_codes[] =
    "Exit codes:\n"
    "    0  done                          6  not authenticated or not permitted\n"
    "    1  the operation failed          7  the server cannot be reached\n"
    "    3  blocked: no capacity          8  --wait is over; the operation goes on\n"
    "    4  not found                    64  wrong usage\n"
    "    5  conflict                    130  detached by Ctrl-C; the operation goes on\n";

static const char common_options[] =
    "    -o, --output=FORMAT        table, wide, json or name\n"
    "        --url=URL              the gateway (SOTALIA_URL; default https://127.0.0.1:7443)\n"
    "        --token=TOKEN          who you are (SOTALIA_TOKEN)\n"
    "        --ca=FILE              certificate of the gateway (SOTALIA_CA)\n"
    "        --verbose              show the HTTP exchange, without secrets\n";

static void add_line(const cli_command *c, sot_buf *out)
{
	char left[64];
	(void)snprintf(left, sizeof(left), "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "", c->args != NULL ? " " : "", c->args != NULL ? c->args : "");
	sot_buf_printf(out, "    %-36s %s\n", left, c->summary);
}

void cli_help_all(sot_buf *out)
{
	sot_buf_add_c(out, "sotalia - a private cloud from the command line\n\n"
	                   "Usage: sotalia NOUN VERB [ARGUMENTS] [OPTIONS]\n\nCommands:\n");
	for (size_t i = 0; i < cli_command_count(); i++)
		add_line(cli_command_at(i), out);
	sot_buf_add_c(out, "\nOptions of all commands:\n");
	sot_buf_add_c(out, common_options);
	sot_buf_add_c(out,
	    "\nOptions of commands that change something:\n"
	    "        --wait[=DURATION]      follow the operation to its end (default: 1h)\n"
	    "        --idempotency-key=KEY  a repeated call with this key changes nothing\n"
	    "        --reason=TEXT          why; kept with the operation and shown\n\n");
	sot_buf_add_c(out, exit_codes);
	sot_buf_add_c(out, "\nExamples:\n    sotalia status\n    sotalia app scale shop 6 --wait\n"
	                   "    sotalia instance list --app=shop -o json\n");
}

void cli_help_noun(const char *noun, sot_buf *out)
{
	sot_buf_printf(out, "Usage: sotalia %s VERB [ARGUMENTS] [OPTIONS]\n\nCommands:\n", noun);
	for (size_t i = 0; i < cli_command_count(); i++)
		if (strcmp(cli_command_at(i)->noun, noun) == 0)
			add_line(cli_command_at(i), out);
	sot_buf_printf(out, "\nMore: sotalia %s VERB --help\n", noun);
}

static void add_option_line(const char *name, const char *value, const char *help, sot_buf *out)
{
	char left[48];
	(void)snprintf(
	    left, sizeof(left), "--%s%s%s", name, value != NULL ? "=" : "", value != NULL ? value : "");
	sot_buf_printf(out, "        %-22s %s\n", left, help);
}

static bool has_option(const cli_command *c, const char *name)
{
	for (const cli_option *o = c->options; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return true;
	return false;
}

void cli_help_command(const cli_command *c, sot_buf *out)
{
	sot_buf_printf(out, "%s.\n\nUsage: sotalia %s%s%s%s%s [OPTIONS]\n", c->summary, c->noun,
	    c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "", c->args != NULL ? " " : "",
	    c->args != NULL ? c->args : "");
	if (c->details != NULL)
		sot_buf_printf(out, "\n%s\n", c->details);
	sot_buf_add_c(out, "\nOptions:\n");
	for (const cli_option *o = c->options; o != NULL && o->name != NULL; o++)
		add_option_line(o->name, o->value, o->help, out);
	if (c->changes) {
		add_option_line(
		    "wait[=DURATION]", NULL, "follow the operation to its end (default: 1h)", out);
		add_option_line(
		    "idempotency-key", "KEY", "a repeated call with this key changes nothing", out);
		if (!has_option(c, "reason"))
			add_option_line("reason", "TEXT", "why; kept with the operation and shown", out);
	}
	sot_buf_add_c(out, common_options);
	sot_buf_add_c(out, "\nExamples:\n");
	for (size_t i = 0; c->examples[i] != NULL; i++)
		sot_buf_printf(out, "    %s\n", c->examples[i]);
	sot_buf_add_char(out, '\n');
	sot_buf_add_c(out, exit_codes);
}
