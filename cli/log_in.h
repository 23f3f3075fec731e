/* log_in - the part of a log-in that a browser does, at the company's OpenID provider.
 */
#ifndef CLI_LOG_IN_H
#define CLI_LOG_IN_H

#include "cli.h"

typedef struct log_in_code {
	char code[300], verifier[64];
} log_in_code;

/* Prints an address, opens it in a browser when this is a desktop, and gives the code that the
 * gateway hands out after the log-in: it comes to a port of 127.0.0.1 or, `pasted`, is asked for.
 * Otherwise what is wrong was said. */
cli_exit log_in_by_browser(const cli_call *call, bool pasted, log_in_code *ret);

#endif
