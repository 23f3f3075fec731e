/* sim_scheduler: the controller's core in a small cloud with faults.
 *   sim_scheduler                 seeds 1..500
 *   sim_scheduler --seeds N       seeds 1..N
 *   sim_scheduler --seed N        one seed, as it was
 * SIM_PLANT=double_release plants a fault that must be found: the run then ends with 0 only when
 * it was. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_parse.h"
#include "world.h"

static int usage(void)
{
	fprintf(stderr, "usage: sim_scheduler [--seed N | --seeds N]\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *plant = getenv("SIM_PLANT");
	bool planted = plant && strcmp(plant, "double_release") == 0;
	uint64_t first = 1, last = planted ? 20 : 500, failed = 0, operations = 0, steps = 0;
	sot_err err = {0};

	if (argc == 3 && sot_parse_u64(sot_str_c(argv[2]), 1, UINT64_MAX, &last, &err) == SOT_OK) {
		if (strcmp(argv[1], "--seed") == 0)
			first = last;
		else if (strcmp(argv[1], "--seeds") != 0)
			return usage();
	} else if (argc != 1) {
		return usage();
	}
	for (uint64_t seed = first; seed <= last; seed++) {
		world *w = world_new(seed, planted);
		if (!world_run(w)) {
			failed++;
			printf("seed %" PRIu64 " failed %s\n  replay: sim_scheduler --seed %" PRIu64 "\n", seed,
			    w->failure, seed);
		}
		operations += w->request_count;
		steps += sim_steps(w->s);
		world_free(w);
	}
	printf("%" PRIu64 " seeds, %" PRIu64 " requests, %" PRIu64 " steps, %" PRIu64 " failed\n",
	    last - first + 1, operations, steps, failed);
	if (planted)
		return failed > 0 ? 0 : 1;
	return failed == 0 ? 0 : 1;
}
