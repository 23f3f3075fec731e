/* sotalia exec: a program in an instance, with this process's standard streams or its terminal. */
#include "exec_session.h"

#include <unistd.h>

enum { COMMAND_LENGTH_MAX = 32 * 1024 };

cli_exit run_exec(const cli_call *call)
{
	bool is_shell = call->rest_count == 0;
	int status = EXEC_SESSION_BROKEN;
	SOT_AUTO_BUF command;
	sot_buf_init(&command, COMMAND_LENGTH_MAX);
	cli_far_command(call, &command);
	if (sot_buf_failed(&command)) {
		cli_say("error: the command is longer than %d bytes", COMMAND_LENGTH_MAX);
		return CLI_USAGE;
	}
	exec_wish wish = {.instance = call->args[0],
	    .account = cli_option_of(call, "as", 0),
	    .command = command.p,
	    .terminal = is_shell || cli_option_of(call, "terminal", 0) != NULL,
	    .interactive = is_shell || cli_option_of(call, "interactive", 0) != NULL,
	    .in = STDIN_FILENO,
	    .out = STDOUT_FILENO,
	    .err = STDERR_FILENO};
	cli_exit result = exec_session_run(call, &wish, &status);
	return result == CLI_OK ? (cli_exit)status : result;
}
