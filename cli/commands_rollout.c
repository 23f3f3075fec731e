/* The table of commands about rollouts that run. */
#include "commands.h"

static const cli_column rollout_columns[] = {
    {.title = "ID", .path = "id"},
    {.title = "KIND", .path = "kind"},
    {.title = "APP", .path = "app"},
    {.title = "STATE", .path = "state"},
    {.title = "PROGRESS", .path = "progress", .format = CLI_PROGRESS},
    {.title = "ACTOR", .path = "actor"},
    {.title = "AGE", .path = "createdAt", .format = CLI_AGE},
    {.title = "WAITS FOR", .path = "waitsFor"},
    {.title = NULL},
};

#define OF_ONE(verb_, summary_, path_, example)                                                    \
	{                                                                                              \
		.noun = "rollout", .verb = (verb_), .args = "OPERATION", .arg_min = 1, .arg_max = 1,       \
		.summary = (summary_), .changes = true, .run = run_change, .method = "POST",               \
		.path = (path_), .examples = EXAMPLES(example)                                             \
	}

const cli_command cli_rollout_commands[] = {
    {.noun = "rollout",
        .verb = "list",
        .summary = "Rollouts: what has not ended first, then the newest",
        .run = run_list,
        .path = "/v1/operations?kind=rollouts&parent=any",
        .columns = rollout_columns,
        .name_field = "id",
        .examples = EXAMPLES("sotalia rollout list")},
    {.noun = "rollout",
        .verb = "show",
        .args = "OPERATION",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "How far it is, batch by batch and instance by instance",
        .run = run_rollout_show,
        .path = "/v1/operations/%s",
        .examples = EXAMPLES("sotalia rollout show 0197b1c2-...")},
    OF_ONE("pause", "Begin no further instance until it is resumed", "/v1/operations/%s/pause",
        "sotalia rollout pause 0197b1c2-... --reason=\"look at the errors first\""),
    OF_ONE("resume", "Go on", "/v1/operations/%s/resume", "sotalia rollout resume 0197b1c2-..."),
    OF_ONE("abort", "End it as it is: what was changed stays", "/v1/operations/%s/cancel",
        "sotalia rollout abort 0197b1c2-..."),
    OF_ONE("back", "Take it back: what was changed runs what the app runs again",
        "/v1/operations/%s/rollback", "sotalia rollout back 0197b1c2-... --reason=\"5xx\""),
    OF_ONE("retry", "Go on with the instances that failed or were not reached",
        "/v1/operations/%s/retry", "sotalia rollout retry 0197b1c2-... --wait"),
};
const size_t cli_rollout_command_count =
    sizeof(cli_rollout_commands) / sizeof(cli_rollout_commands[0]);
