/* figures_show - prints what the agent reads of an instance whose PID 1 is given: for tests on
 * kernels where no agent runs.
 *
 *   figures_show PID     -> {"cpu_ns":1,"periods":2,...} and a line end
 */
#include "figures.h"
#include "sot_mem.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	int64_t pid = 0;
	if (argc != 2 || sot_parse_i64(sot_str_c(argv[1]), 1, INT32_MAX, &pid, NULL) != SOT_OK) {
		(void)fprintf(stderr, "usage: figures_show PID\n");
		return 64;
	}
	SOT_AUTO_BUF groups;
	instance_figures f;
	figures_read_groups(&figures_kernel_roots, (int)pid, &groups);
	figures_read_instance(&figures_kernel_roots, (int)pid, sot_buf_str(&groups), &f);
	printf("{\"cpu_ns\":%" PRIu64 ",\"periods\":%" PRIu64 ",\"throttled\":%" PRIu64
	       ",\"memory_working_set\":%" PRIu64 ",\"oom_kills\":%" PRIu64 ",\"pids\":%" PRIu64 "}\n",
	    f.cpu_ns, f.periods, f.throttled, f.memory_working_set, f.oom_kills, f.pids);
	return 0;
}
