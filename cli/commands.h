/* commands - what the tables of commands are written with, and the table of the address management.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

#define EXAMPLES(...)                                                                              \
	(const char *const[])                                                                          \
	{                                                                                              \
		__VA_ARGS__, NULL                                                                          \
	}
#define OPTIONS(...)                                                                               \
	(const cli_option[])                                                                           \
	{                                                                                              \
		__VA_ARGS__,                                                                               \
		{                                                                                          \
			NULL, NULL, NULL                                                                       \
		}                                                                                          \
	}

/* commands_ipam.c */
extern const cli_command cli_ipam_commands[];
extern const size_t cli_ipam_command_count;

#endif
