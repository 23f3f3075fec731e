/* The table of commands about placement: why, and what would be. */
#include "commands.h"

static const cli_column idle_columns[] = {
    {.title = "INSTANCE", .path = "instance"},
    {.title = "APP", .path = "app"},
    {.title = "IDLE SINCE", .path = "usedAt", .format = CLI_AGE},
    {.title = "HOST", .path = "host"},
    {.title = "CPU", .path = "booked.cpuMilli", .format = CLI_CPU},
    {.title = "MEMORY", .path = "booked.memoryBytes", .format = CLI_BYTES},
    {.title = "DISK", .path = "booked.diskBytes", .format = CLI_BYTES},
    {.title = "TEAM", .path = "team", .wide = true},
    {.title = "PLAN", .path = "plan", .wide = true},
    {.title = NULL},
};
const cli_command cli_placement_commands[] = {
    {.noun = "why",
        .args = "INSTANCE|OPERATION",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Why an instance is where it is, or what an operation waits for",
        .details =
            "An instance by its name, an operation by its id. Cost and crowding are those of "
            "the moment of the\ndecision; the lowest crowding wins where the app prefers "
            "spread, then the lowest cost.",
        .run = run_why,
        .examples = EXAMPLES("sotalia why shop-default-01", "sotalia why 0197b1c2-... -o json")},
    {.noun = "what-if",
        .args = "lose|drain|add|plan|scale ...",
        .arg_min = 1,
        .arg_max = CLI_ARGS_MAX,
        .summary = "What would be where if; nothing is changed",
        .details =
            "lose and drain take hosts by name, rack=NAME or az=NAME: who would go where, who\n"
            "nowhere, and why. add takes how many hosts, as another one (--like) or with sizes\n"
            "and a place. plan takes a plan and its new sizes. scale takes an app and a count.",
        .run = run_what_if,
        .path = "/v1/what-if",
        .options = OPTIONS({"like", "HOST", "add: as this host is, but empty"},
            {"az", "ZONE", "add: where they stand"}, {"rack", "RACK", "add: where they stand"},
            {"cpu", "CORES", "add, plan: such as 0.5 or 16"},
            {"memory", "SIZE", "add, plan: such as 512m or 64g"},
            {"disk", "SIZE", "add, plan: such as 100g"}),
        .examples = EXAMPLES("sotalia what-if lose rack=r1", "sotalia what-if drain node1 node2",
            "sotalia what-if add 10 --like=node1", "sotalia what-if plan small --memory=1g",
            "sotalia what-if scale shop 40")},
    {.noun = "capacity",
        .summary = "What there is, what is booked, what still fits, what is stranded",
        .details =
            "By zone, rack and class of hosts; how many instances of each plan fit by amounts\n"
            "alone; addresses left; how many instances each app loses with its worst host, rack\n"
            "and zone.",
        .run = run_capacity,
        .path = "/v1/capacity",
        .options = OPTIONS({"app", "NAME", "with how many more of this app fit, by its rules"}),
        .examples = EXAMPLES("sotalia capacity", "sotalia capacity --app=shop -o json")},
    {.noun = "idle",
        .summary = "Instances that run and that nobody uses, with what they keep booked",
        .details =
            "Not used: for so many days little processor and little network, as their agents\n"
            "tell. Who was not heard of counts as used.",
        .run = run_list,
        .path = "/v1/idle",
        .columns = idle_columns,
        .name_field = "instance",
        .options = OPTIONS({"days", "N", "for at least so many days (default: 14)"},
            {"app", "NAME", "only of this app"}),
        .examples = EXAMPLES("sotalia idle", "sotalia idle --days=30 -o wide")},
    {.noun = "rebalance",
        .summary = "Carry out moves that each pay off; --plan only lists them",
        .details =
            "So many at a time, within the budget of each app; each is looked at again when its "
            "turn\n"
            "comes, and the first failure ends it. operation cancel lets end what has begun.",
        .changes = true,
        .run = run_rebalance,
        .path = "/v1/rebalance",
        .options = OPTIONS({"plan", NULL, "only show what would move, and what that saves"},
            {"max-moves", "N", "at most so many (default: 20)"},
            {"parallel", "N", "moves at a time (default: 2)"},
            {"include-pinned", NULL, "also instances of pinned apps; their files stay behind"},
            {"if-still-true", "ETAG", "only when it is what that plan said"}),
        .examples =
            EXAMPLES("sotalia rebalance --plan", "sotalia rebalance --max-moves=100 --wait")},
};
const size_t cli_placement_command_count =
    sizeof(cli_placement_commands) / sizeof(cli_placement_commands[0]);
