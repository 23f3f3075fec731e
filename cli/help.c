/* Help texts, made from the table of commands. */
#include "cli.h"

#include <string.h>

static const char exit_codes[] =
    "    0  done                          6  not authenticated or not permitted\n"
    "    1  the operation failed          7  the server cannot be reached\n"
    "    2  --detailed-exitcode: differs\n"
    "    3  blocked: no capacity          8  --wait is over; the operation goes on\n"
    "    4  not found                    64  wrong usage\n"
    "    5  conflict                    130  detached by Ctrl-C; the operation goes on\n";

void cli_help_exit_codes(sot_buf *out)
{
	sot_buf_add_c(out, exit_codes);
}

static void add_line(const cli_command *c, sot_buf *out)
{
	char left[64];
	(void)snprintf(left, sizeof(left), "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "", c->args != NULL ? " " : "", c->args != NULL ? c->args : "");
	sot_buf_printf(out, "    %-36s %s\n", left, c->summary);
}

static void add_option_line(const cli_option *o, sot_buf *out)
{
	char left[48];
	bool is_output = strcmp(o->name, "output") == 0;
	(void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value != NULL ? "=" : "",
	    o->value != NULL ? o->value : "");
	sot_buf_printf(out, "    %s%-22s %s\n", is_output ? "-o, " : "    ", left, o->help);
}

static bool has_option(const cli_command *c, const char *name)
{
	for (const cli_option *o = c->options; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, name) == 0)
			return true;
	return false;
}

/* Those that the command has not in a form of its own. */
static void add_options(const cli_command *c, const cli_option *options, sot_buf *out)
{
	for (const cli_option *o = options; o != NULL && o->name != NULL; o++)
		if (c == NULL || options == c->options || !has_option(c, o->name))
			add_option_line(o, out);
}

void cli_help_all(sot_buf *out)
{
	sot_buf_add_c(out, "sotalia - a private cloud from the command line\n\n"
	                   "Usage: sotalia NOUN VERB [ARGUMENTS] [OPTIONS]\n\nCommands:\n");
	for (size_t i = 0; i < cli_command_count(); i++)
		add_line(cli_command_at(i), out);
	sot_buf_add_c(out, "\nOptions of all commands:\n");
	add_options(NULL, cli_common_options, out);
	sot_buf_add_c(out, "\nOptions of lists:\n");
	add_options(NULL, cli_list_options, out);
	sot_buf_add_c(out, "\nOptions of commands that change something:\n");
	add_options(NULL, cli_change_options, out);
	sot_buf_add_char(out, '\n');
	sot_buf_add_c(out, "Exit codes:\n");
	cli_help_exit_codes(out);
	sot_buf_add_c(out, "\nExamples:\n    sotalia status\n    sotalia deploy shop v42\n"
	                   "    sotalia app scale shop 6 --detach\n"
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

void cli_help_command(const cli_command *c, sot_buf *out)
{
	sot_buf_printf(out, "%s.\n\nUsage: sotalia %s%s%s%s%s [OPTIONS]\n", c->summary, c->noun,
	    c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "", c->args != NULL ? " " : "",
	    c->args != NULL ? c->args : "");
	if (c->details != NULL)
		sot_buf_printf(out, "\n%s\n", c->details);
	if (c->short_for != NULL)
		sot_buf_printf(out, "\nShort for: sotalia %s %s\n", c->short_for->noun, c->short_for->verb);
	sot_buf_add_c(out, "\nOptions:\n");
	add_options(c, c->options, out);
	if (c->changes)
		add_options(c, cli_change_options, out);
	if (c->run == run_list)
		add_options(c, cli_list_options, out);
	add_options(c, cli_common_options, out);
	sot_buf_add_c(out, "\nExamples:\n");
	for (size_t i = 0; c->examples[i] != NULL; i++)
		sot_buf_printf(out, "    %s\n", c->examples[i]);
	sot_buf_add_char(out, '\n');
	sot_buf_add_c(out, "Exit codes:\n");
	cli_help_exit_codes(out);
}
