/* sim_scheduler: the controller's core in a small cloud with faults.
 *   sim_scheduler                 seeds 1..500
 *   sim_scheduler --seeds N       seeds 1..N
 *   sim_scheduler --seeds N M     seeds N..M
 *   sim_scheduler --seed N        one seed, as it was
 *   sim_scheduler --rollouts ...  the same, with little else than rollouts
 *   sim_scheduler --elastic ...   the same, with rules of elastic scaling and groups
 *   sim_scheduler --restores ...  the same, and once the database comes back from a backup
 * SIM_PLANT=double_release|no_fence|no_closed|forgotten_rollouts|untold_restore|forgotten_cooldowns
 * plants a fault that must be found: the run then ends at the first seed that does, and with 0 only
 * then. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_parse.h"
#include "world.h"

static int usage(void)
{
	fprintf(stderr, "usage: sim_scheduler [--rollouts | --elastic | --restores] [--seed N | "
	                "--seeds N | --seeds N "
	                "M]\n");
	return 2;
}

/* False: no such plant. */
static bool plant_of(const char *word, sim_plant *ret)
{
	static const char *const words[] = {[PLANT_DOUBLE_RELEASE] = "double_release",
	    [PLANT_NO_FENCE] = "no_fence",
	    [PLANT_NO_CLOSED] = "no_closed",
	    [PLANT_FORGOTTEN_ROLLOUTS] = "forgotten_rollouts",
	    [PLANT_UNTOLD_RESTORE] = "untold_restore",
	    [PLANT_FORGOTTEN_COOLDOWNS] = "forgotten_cooldowns"};
	for (size_t k = PLANT_DOUBLE_RELEASE; word && k < sizeof(words) / sizeof(words[0]); k++) {
		if (strcmp(word, words[k]) == 0) {
			*ret = (sim_plant)k;
			return true;
		}
	}
	return !word || !word[0];
}

static void plant_in_store(world *w)
{
	if (w->plant == PLANT_FORGOTTEN_COOLDOWNS)
		store_model_forget_cooldowns(w->store);
	if (w->plant == PLANT_FORGOTTEN_ROLLOUTS)
		store_model_forget_rollouts(w->store);
}

int main(int argc, char **argv)
{
	sim_plant plant = PLANT_NONE;
	uint64_t first = 1, last = 500, rollouts = 0, back = 0, failed = 0, operations = 0, steps = 0,
	         moves = 0, deaths = 0, losses = 0, returns = 0, brakes = 0, drains = 0, rebalances = 0;
	sot_err err = {0};
	bool rolls = argc > 1 && strcmp(argv[1], "--rollouts") == 0;
	bool restores = argc > 1 && strcmp(argv[1], "--restores") == 0;
	bool scales = argc > 1 && strcmp(argv[1], "--elastic") == 0;
	const char *mode = rolls      ? "--rollouts "
	                   : restores ? "--restores "
	                   : scales   ? "--elastic "
	                              : "";
	uint64_t forgotten = 0, grown = 0, shrunk = 0;

	if (!plant_of(getenv("SIM_PLANT"), &plant))
		return usage();
	argc -= mode[0] != '\0';
	argv += mode[0] != '\0';
	if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
		if (sot_parse_u64(sot_str_c(argv[2]), 1, UINT64_MAX, &first, &err) != SOT_OK ||
		    sot_parse_u64(sot_str_c(argv[3]), first, UINT64_MAX, &last, &err) != SOT_OK)
			return usage();
	} else if (argc == 3 &&
	           sot_parse_u64(sot_str_c(argv[2]), 1, UINT64_MAX, &last, &err) == SOT_OK) {
		if (strcmp(argv[1], "--seed") == 0)
			first = last;
		else if (strcmp(argv[1], "--seeds") != 0)
			return usage();
	} else if (argc != 1) {
		return usage();
	}
	for (uint64_t seed = first; seed <= last; seed++) {
		world *w = world_new(seed, plant);
		w->rolls = rolls;
		w->restores = restores;
		w->scales = scales;
		plant_in_store(w);
		if (!world_run(w)) {
			failed++;
			printf("seed %" PRIu64 " failed %s\n  replay: sim_scheduler %s--seed %" PRIu64 "\n",
			    seed, w->failure, mode, seed);
		}
		operations += w->request_count;
		forgotten += w->backup.forgotten;
		steps += sim_steps(w->s);
		moves += store_model_count_done(w->store, OPERATION_INSTANCE_MOVE);
		losses += store_model_count_done(w->store, OPERATION_HOST_REPLACE);
		returns += store_model_count_done(w->store, OPERATION_HOST_RETURN);
		drains += store_model_count_done(w->store, OPERATION_HOST_DRAIN);
		rebalances += store_model_count_done(w->store, OPERATION_FLEET_REBALANCE);
		rollouts += store_model_count_done(w->store, OPERATION_APP_DEPLOY);
		back += store_model_rolled_back(w->store);
		store_model_count_scalings(w->store, &grown, &shrunk);
		brakes += store_model_brakes(w->store);
		for (int a = 0; a < HOSTS; a++)
			deaths += w->agents[a].deaths;
		world_free(w);
		if (plant && failed > 0)
			break;
	}
	printf("%" PRIu64 " hosts died, %" PRIu64 " were called lost, %" PRIu64
	       " took their instances back\n",
	    deaths, losses, returns);
	printf("%" PRIu64 " hosts were drained, %" PRIu64 " rebalances done, the brake engaged %" PRIu64
	       " times\n",
	    drains, rebalances, brakes);
	printf(
	    "%" PRIu64 " versions were rolled out, %" PRIu64 " rollouts went back\n", rollouts, back);
	printf("%" PRIu64 " seeds, %" PRIu64 " requests, %" PRIu64 " moves, %" PRIu64 " steps, %" PRIu64
	       " failed\n",
	    last - first + 1, operations, moves, steps, failed);
	if (scales)
		printf("rules added instances %" PRIu64 " times and took some away %" PRIu64 " times\n",
		    grown, shrunk);
	if (restores)
		printf("%" PRIu64 " accepted requests were younger than the backup\n", forgotten);
	if (plant)
		return failed > 0 ? 0 : 1;
	return failed == 0 ? 0 : 1;
}
