/* sotalia: the command line of the platform. See `sotalia --help`. */
#include "cli.h"

#include <curl/curl.h>

int main(int argc, char **argv)
{
	cli_call call;
	cli_exit result = CLI_USAGE;
	if (!cli_parse(argc, argv, &call, &result))
		return (int)result;
	cli_catch_interrupts();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return CLI_FAILED;
	result = call.command->run(&call);
	curl_global_cleanup();
	return (int)result;
}
