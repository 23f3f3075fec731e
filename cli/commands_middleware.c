/* The table of commands of the middleware team: a version over many apps, the board; and what the
 * people of an app say to that. */
#include "commands.h"

static const cli_column board_columns[] = {
    {.title = "APP", .path = "app"},
    {.title = "TEAM", .path = "team"},
    {.title = "RUNTIME", .path = "image"},
    {.title = "VERSION", .path = "version"},
    {.title = "BEFORE", .path = "before"},
    {.title = "INSTANCES", .path = "instances"},
    {.title = "HEALTHY", .path = "healthy"},
    {.title = "RUN", .path = "instancesByVersion"},
    {.title = "OPTED OUT", .path = "optedOut"},
    {.title = "LABELS", .path = "labels", .wide = true},
    {.title = "WINDOWS", .path = "windows", .wide = true},
    {.title = NULL},
};

#define APP_SELECTORS                                                                              \
	{"app", "NAME", "this app; may be repeated"},                                                  \
	    {"label", "NAME=VALUE", "apps with this label; may be repeated: all of them"},             \
	    {"environment", "NAME", "apps with this label `environment`"},                             \
	    {"team", "TEAM", "apps of this team"}, {"runtime", "IMAGE", "apps of this image"},         \
	    {"having", "VERSION", "apps that have this version now"},                                  \
	    {"parallel", "N", "so many apps at a time: a wave (default: 1)"},                          \
	    {"failures-max", "N", "begin no more apps after so many failures"},                        \
	{                                                                                              \
		"expect", "N", "refuse when not exactly so many apps are hit"                              \
	}

const cli_command cli_middleware_commands[] = {
    {.noun = "middleware",
        .verb = "apps",
        .args = "NAME",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "The board: which app has which version, and what its instances run",
        .run = run_list,
        .path = "/v1/middleware/%s/apps",
        .columns = board_columns,
        .name_field = "app",
        .options = OPTIONS({"limit", "N", "how many (default: 100)"}),
        .examples = EXAMPLES("sotalia middleware apps tomcat")},
    {.noun = "middleware",
        .verb = "rollout",
        .args = "NAME VERSION",
        .arg_min = 2,
        .arg_max = 2,
        .summary = "Roll a version over many apps, so many at a time",
        .details =
            "The apps are named, or selected among those that have the package. Those that opted "
            "out are left\nalone; each begins in its maintenance window.",
        .changes = true,
        .run = run_middleware_rollout,
        .path = "/v1/middleware/%s/rollout",
        .options = OPTIONS(APP_SELECTORS, STRATEGY_OPTIONS),
        .examples = EXAMPLES(
            "sotalia middleware rollout tomcat 10.1.34 --environment=test --parallel=5 --plan",
            "sotalia middleware rollout tomcat 10.1.34 --label=tier=web --canary=1 "
            "--on-failure=roll_back --failures-max=1 --wait")},
    {.noun = "middleware",
        .verb = "back",
        .args = "NAME",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Give apps the version that each had before",
        .changes = true,
        .run = run_middleware_rollout,
        .path = "/v1/middleware/%s/rollout",
        .options = OPTIONS(APP_SELECTORS, STRATEGY_OPTIONS),
        .examples = EXAMPLES("sotalia middleware back tomcat --having=10.1.34 --parallel=10 --wait",
            "sotalia middleware back tomcat --app=shop --wait")},
    {.noun = "app",
        .verb = "settings",
        .args = "NAME",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Labels, maintenance windows, opt-outs and retention of an app",
        .run = run_show,
        .path = "/v1/apps/%s/settings",
        .name_field = "app",
        .examples = EXAMPLES("sotalia app settings shop")},
    {.noun = "app",
        .verb = "label",
        .args = "NAME [LABEL=VALUE]...",
        .arg_min = 1,
        .arg_max = 17,
        .summary = "Replace the labels of an app: what selects it",
        .details = "The label `environment` also says what grants reach it.",
        .changes = true,
        .run = run_app_label,
        .path = "/v1/apps/%s/labels",
        .examples = EXAMPLES("sotalia app label shop environment=production tier=web")},
    {.noun = "app",
        .verb = "maintenance",
        .args = "NAME",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "When, and which, middleware may be rolled over the app by others",
        .details = "Replaces what was said before; without options: any, at any time.",
        .changes = true,
        .run = run_app_maintenance,
        .path = "/v1/apps/%s/maintenance",
        .options =
            OPTIONS({"window", "WINDOW", "as 'sat,sun 22:00-04:00', in UTC; may be repeated"},
                {"opt-out", "NAME",
                    "this package is given by the app's people; '*': all; may be repeated"}),
        .examples = EXAMPLES("sotalia app maintenance shop --window='sun 02:00-04:00'",
            "sotalia app maintenance shop --opt-out=jdk")},
    {.noun = "app",
        .verb = "retention",
        .args = "NAME KEEP",
        .arg_min = 2,
        .arg_max = 2,
        .summary = "How many package versions of an app are kept; 0: all",
        .details = "What runs, and what a way back leads to, is never removed.",
        .changes = true,
        .run = run_app_retention,
        .path = "/v1/apps/%s/retention",
        .options = OPTIONS({"days", "N", "a version stays for N days in any case"}),
        .examples = EXAMPLES("sotalia app retention shop 10 --days=30")},
    {.noun = "middleware",
        .verb = "retention",
        .args = "NAME KEEP",
        .arg_min = 2,
        .arg_max = 2,
        .summary = "How many versions of a middleware package are kept; 0: all",
        .details = "What an app has, and what a way back leads to, is never removed.",
        .changes = true,
        .run = run_app_retention,
        .path = "/v1/middleware/%s/retention",
        .options = OPTIONS({"days", "N", "a version stays for N days in any case"}),
        .examples = EXAMPLES("sotalia middleware retention tomcat 5 --days=90")},
};
const size_t cli_middleware_command_count =
    sizeof(cli_middleware_commands) / sizeof(cli_middleware_commands[0]);
