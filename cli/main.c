/* sotalia: the command line of the platform. See `sotalia --help`. */
#include "cli.h"

#include <curl/curl.h>
#include <string.h>

int main(int argc, char **argv)
{
	cli_call call = {0};
	cli_exit result = CLI_USAGE;
	bool completes = argc > 1 && strcmp(argv[1], "__complete") == 0;
	if (!completes && !cli_parse(argc, argv, &call, &result))
		return (int)result;
	if (!completes)
		cli_catch_interrupts();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return CLI_FAILED;
	if (completes) {
		cli_complete((size_t)argc - 2, argv + 2);
		result = CLI_OK;
	} else {
		result = call.command->run(&call);
	}
	curl_global_cleanup();
	return (int)result;
}
