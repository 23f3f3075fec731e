/* The table of commands about elastic scaling. */
#include "commands.h"

#define GROUP_OPTION                                                                               \
	{                                                                                              \
		"group", "GROUP", "of this group (default: of the app as a whole)"                         \
	}

static const cli_column decision_columns[] = {
    {.title = "AGE", .path = "at", .format = CLI_AGE},
    {.title = "GROUP", .path = "group"},
    {.title = "OUTCOME", .path = "outcome"},
    {.title = "HOLD", .path = "hold"},
    {.title = "COUNT", .path = "count"},
    {.title = "WANTED", .path = "wanted"},
    {.title = "TO", .path = "to"},
    {.title = "REASON", .path = "reason"},
    {.title = "RULE", .path = "rule", .wide = true},
    {.title = "LOAD", .path = "load", .wide = true},
    {.title = "TARGET", .path = "target", .wide = true},
    {.title = "OPERATION", .path = "operation", .wide = true},
    {.title = NULL},
};

const cli_command cli_elastic_commands[] = {
    {.noun = "elastic",
        .verb = "show",
        .args = "APP",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Elastic scaling of an app or of a group: its rules, and what was decided last",
        .run = run_show,
        .path = "/v1/apps/%s/elastic",
        .name_field = "app",
        .options = OPTIONS(GROUP_OPTION),
        .examples = EXAMPLES(
            "sotalia elastic show shop", "sotalia elastic show shop --group=blue -o json")},
    {.noun = "elastic",
        .verb = "set",
        .args = "APP",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Give an app or a group rules by which its count follows its load; they replace "
                   "its own",
        .details =
            "Of several rules the one counts that wants most instances. A schedule is\n"
            "`COUNT FOR ZONE` and a line of a crontab: from then on, for so long, at least COUNT.\n"
            "Each group may have rules of its own; then the app as a whole has none.\n"
            "--file takes everything from a JSON file as the API has it (docs/elastic.md).",
        .changes = true,
        .run = run_elastic_set,
        .path = "/v1/apps/%s/elastic",
        .options = OPTIONS({"min", "N", "never fewer (default: 1)"}, {"max", "N", "never more"},
            {"cpu", "PERCENT", "processor time of the plan that an instance shall use"},
            {"memory", "PERCENT", "memory of the plan that an instance shall use"},
            {"value", "NAME:TARGET[:sum]",
                "a value that the app sends: its mean, or its sum an instance; may be repeated"},
            {"schedule", "LINE", "such as '6 10h Asia/Shanghai 0 8 * * mon-fri'; may be repeated"},
            {"window", "SECONDS", "the load is the mean over so long (default: 60)"},
            {"group", "GROUP", "this group is scaled (default: the app as a whole)"},
            {"up-step", "N", "at most so many more at a time"},
            {"down-step", "N", "at most so many fewer at a time"},
            {"up-cooldown", "SECONDS", "no growth for so long after a change (default: 30)"},
            {"down-cooldown", "SECONDS", "no fewer for so long after a change (default: 60)"},
            {"stable", "SECONDS", "fewer only when fewer were wanted for so long (default: 300)"},
            {"tolerance", "PERCENT", "so far off the target nothing changes (default: 10)"},
            {"dry-run", NULL, "decide and say so, change nothing"},
            {"disabled", NULL, "keep the rules, decide nothing"},
            {"file", "FILE", "all of it, as JSON"}),
        .examples = EXAMPLES("sotalia elastic set shop --min=2 --max=6 --cpu=50",
            "sotalia elastic set shop --group=blue --min=1 --max=4 --cpu=60",
            "sotalia elastic set shop --min=2 --max=20 --value=queue:100:sum --dry-run",
            "sotalia elastic set shop --max=8 --cpu=60 --schedule='6 10h Asia/Shanghai 0 8 * * "
            "mon-fri'")},
    {.noun = "elastic",
        .verb = "delete",
        .args = "APP",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "End elastic scaling of an app or of a group; its count stays",
        .changes = true,
        .run = run_change,
        .method = "DELETE",
        .path = "/v1/apps/%s/elastic",
        .options = OPTIONS(GROUP_OPTION),
        .examples =
            EXAMPLES("sotalia elastic delete shop", "sotalia elastic delete shop --group=blue")},
    {.noun = "elastic",
        .verb = "decisions",
        .args = "APP",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "What elastic scaling has decided and why, the newest first",
        .run = run_list,
        .path = "/v1/apps/%s/elastic/decisions",
        .columns = decision_columns,
        .name_field = "number",
        .options = OPTIONS(
            {"limit", "N", "how many (default: 50)"}, {"group", "GROUP", "only of this one"}),
        .examples =
            EXAMPLES("sotalia elastic decisions shop", "sotalia elastic decisions shop -o json")},
};
const size_t cli_elastic_command_count =
    sizeof(cli_elastic_commands) / sizeof(cli_elastic_commands[0]);
