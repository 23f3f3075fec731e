/* Every path that the agent asks for has its name. */
#include "docker_call.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_call_of_the_agent_has_a_name(void **state)
{
	static const struct {
		const char *method, *path, *name;
	} calls[] = {
	    {"GET", "/containers/json?all=1", "list"},
	    {"POST", "/containers/create?name=sot-1", "create"},
	    {"POST", "/containers/0f3c/start", "start"},
	    {"POST", "/containers/0f3c/stop?t=10", "stop"},
	    {"POST", "/containers/0f3c/restart?t=10", "restart"},
	    {"POST", "/containers/0f3c/pause", "pause"},
	    {"POST", "/containers/0f3c/unpause", "unpause"},
	    {"POST", "/containers/0f3c/update", "update"},
	    {"DELETE", "/containers/0f3c?v=1", "rm"},
	    {"GET", "/containers/sot-1/json", "inspect"},
	    {"GET", "/containers/sot-1/logs?stdout=1", "logs"},
	    {"POST", "/images/create?fromImage=registry:5000/base/web:1.2", "pull"},
	    {"GET", "/images/registry:5000/base/web:1.2/json", "image"},
	    {"DELETE", "/images/0f3c", "rmi"},
	    {"GET", "/_ping", "ping"},
	    {"GET", "/info", "info"},
	    {"GET", "/version", "version"},
	    {"GET", "/containers", "other"},
	    {"POST", "/containers/0f3c/explode", "other"},
	    {"GET", "", "other"},
	    {"PUT", "/networks/x", "other"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		sot_str name = docker_call_name(calls[i].method, calls[i].path);
		assert_string_equal(name.p, calls[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_call_of_the_agent_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
