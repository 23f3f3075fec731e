/* sotalia-man FOLDER: the man pages as sources of scdoc(5), one of all commands and one a noun,
 * from the table of commands. Used when packages are built.
 */
#include "cli.h"

#include "sot_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX (1u << 20)

/* What would be markup is escaped: * _ and \ anywhere, and what begins a list, a heading or a table
 * at the head of a line. */
static void add_text(sot_buf *out, const char *text)
{
	bool is_first = true;
	for (; *text != '\0'; text++) {
		if (strchr("\\*_", *text) != NULL || (is_first && strchr("#-.;|[]`", *text) != NULL))
			sot_buf_add_char(out, '\\');
		sot_buf_add_char(out, *text);
		is_first = *text == '\n';
	}
}

static void add_heading(sot_buf *out, const char *name, const char *summary)
{
	sot_buf_printf(
	    out, "%s(1) \"sotalia %s\" \"Sotalia manual\"\n\n# NAME\n\n%s - ", name, SOT_VERSION, name);
	add_text(out, summary);
	sot_buf_add_c(out, "\n\n");
}

static void add_options(sot_buf *out, const cli_option *options)
{
	for (const cli_option *o = options; o != NULL && o->name != NULL; o++) {
		sot_buf_add_c(out, strcmp(o->name, "output") == 0 ? "*-o*, *--" : "*--");
		add_text(out, o->name);
		sot_buf_add_char(out, '*');
		if (o->value != NULL) {
			sot_buf_add_char(out, '=');
			add_text(out, o->value);
		}
		sot_buf_add_c(out, "\n\t");
		add_text(out, o->help);
		sot_buf_add_c(out, "\n\n");
	}
}

static void add_usage(sot_buf *out, const cli_command *c)
{
	sot_buf_printf(out, "*sotalia %s%s%s*", c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "");
	if (c->args != NULL) {
		sot_buf_add_char(out, ' ');
		add_text(out, c->args);
	}
}

static void add_command(sot_buf *out, const cli_command *c)
{
	sot_buf_printf(out, "## sotalia %s%s%s\n\n", c->noun, c->verb != NULL ? " " : "",
	    c->verb != NULL ? c->verb : "");
	add_usage(out, c);
	sot_buf_add_c(out, " [OPTIONS]\n\n");
	add_text(out, c->summary);
	sot_buf_add_c(out, ".\n\n");
	if (c->short_for != NULL)
		sot_buf_printf(
		    out, "Short for *sotalia %s %s*.\n\n", c->short_for->noun, c->short_for->verb);
	if (c->details != NULL) {
		add_text(out, c->details);
		sot_buf_add_c(out, "\n\n");
	}
	add_options(out, c->options);
	sot_buf_add_c(out, "Examples:\n\n```\n");
	for (size_t i = 0; c->examples[i] != NULL; i++)
		sot_buf_printf(out, "%s\n", c->examples[i]);
	sot_buf_add_c(out, "```\n\n");
}

static void add_common(sot_buf *out)
{
	sot_buf_add_c(out, "# OPTIONS OF ALL COMMANDS\n\n");
	add_options(out, cli_common_options);
	sot_buf_add_c(out, "# OPTIONS OF LISTS\n\n");
	add_options(out, cli_list_options);
	sot_buf_add_c(out, "# OPTIONS OF COMMANDS THAT CHANGE SOMETHING\n\n");
	add_options(out, cli_change_options);
	sot_buf_add_c(out, "# EXIT STATUS\n\n```\n");
	cli_help_exit_codes(out);
	sot_buf_add_c(out, "```\n\n");
}

static int write_page(const char *folder, const char *name, sot_buf *page)
{
	char path[PATH_MAX];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/%s.1.scd", folder, name);
	if (!sot_buf_failed(page) && sot_file_write(path, sot_buf_str(page), 0644, &err) == SOT_OK)
		return 0;
	cli_say("sotalia-man: %s", sot_buf_failed(page) ? "a page is too long" : err.text);
	return 1;
}

static bool is_first_of_noun(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(cli_command_at(k)->noun, cli_command_at(i)->noun) == 0)
			return false;
	return true;
}

static int write_noun(const char *folder, const char *noun)
{
	char name[80], summary[120];
	SOT_AUTO_BUF page;
	sot_buf_init(&page, PAGE_MAX);
	(void)snprintf(name, sizeof(name), "sotalia-%s", noun);
	(void)snprintf(summary, sizeof(summary), "commands of sotalia about: %s", noun);
	add_heading(&page, name, summary);
	sot_buf_add_c(&page, "# COMMANDS\n\n");
	for (size_t i = 0; i < cli_command_count(); i++)
		if (strcmp(cli_command_at(i)->noun, noun) == 0)
			add_command(&page, cli_command_at(i));
	add_common(&page);
	sot_buf_add_c(&page, "# SEE ALSO\n\n*sotalia*(1)\n");
	return write_page(folder, name, &page);
}

static int write_overview(const char *folder)
{
	SOT_AUTO_BUF page;
	sot_buf_init(&page, PAGE_MAX);
	add_heading(&page, "sotalia", "a private cloud from the command line");
	sot_buf_add_c(&page,
	    "# SYNOPSIS\n\n*sotalia* NOUN VERB [ARGUMENTS] [OPTIONS]\n\n# DESCRIPTION\n\n"
	    "Data goes to stdout, everything for people to stderr. Each noun has a page of its own:\n"
	    "*sotalia-app*(1), *sotalia-instance*(1) and so on; *sotalia NOUN VERB --help* says the "
	    "same.\n\n"
	    "A first application: *sotalia app create*, *sotalia package upload*, *sotalia app "
	    "deploy*,\n"
	    "*sotalia app scale*; *sotalia why* says why an instance is where it is, or what is waited "
	    "for.\n\n"
	    "# COMMANDS\n\n");
	for (size_t i = 0; i < cli_command_count(); i++) {
		add_usage(&page, cli_command_at(i));
		sot_buf_add_c(&page, "\n\t");
		add_text(&page, cli_command_at(i)->summary);
		sot_buf_add_c(&page, "\n\n");
	}
	add_common(&page);
	sot_buf_add_c(&page,
	    "# ENVIRONMENT\n\n*SOTALIA\\_URL*, *SOTALIA\\_TOKEN*, *SOTALIA\\_CA*, *SOTALIA\\_CONTEXT*\n"
	    "\tstand for the options of these names\n\n"
	    "# FILES\n\n~/.config/sotalia/contexts.json\n\tgateways and tokens of *sotalia context "
	    "login*\n");
	return write_page(folder, "sotalia", &page);
}

int main(int argc, char **argv)
{
	int wrong = 0;
	if (argc != 2) {
		cli_say("usage: sotalia-man FOLDER");
		return CLI_USAGE;
	}
	wrong = write_overview(argv[1]);
	for (size_t i = 0; i < cli_command_count() && wrong == 0; i++)
		if (is_first_of_noun(i))
			wrong = write_noun(argv[1], cli_command_at(i)->noun);
	return wrong;
}
