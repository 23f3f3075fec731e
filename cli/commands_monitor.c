/* The table of commands about the bridges to CAT. */
#include "commands.h"

const cli_command cli_monitor_commands[] = {
    {.noun = "monitor",
        .verb = "status",
        .summary =
            "The bridges to CAT: what each sends and where to, what was lost, the last troubles",
        .run = run_monitor_status,
        .path = "/v1/monitor",
        .examples = EXAMPLES("sotalia monitor status", "sotalia monitor status -o json")},
    {.noun = "monitor",
        .verb = "test",
        .args = "[NAME]",
        .arg_max = 1,
        .summary = "Send an event Sotalia.Test/NAME to CAT now, and show what was sent",
        .run = run_monitor_test,
        .path = "/v1/monitor/requests",
        .examples = EXAMPLES("sotalia monitor test", "sotalia monitor test from-li")},
    {.noun = "monitor",
        .verb = "trace",
        .args = "[MACHINE]",
        .arg_max = 1,
        .summary = "Show the last frames of a machine as CAT gets them",
        .details = "MACHINE is an instance's name, a host's address, or a CAT domain; without it: "
                   "the last of any. "
                   "A machine\nthat has sent nothing lately is waited for, up to 75 s.",
        .run = run_monitor_trace,
        .path = "/v1/monitor/requests",
        .examples = EXAMPLES("sotalia monitor trace shop-default-01",
            "sotalia monitor trace 10.1.2.3", "sotalia monitor trace sotalia-controller")},
};
const size_t cli_monitor_command_count =
    sizeof(cli_monitor_commands) / sizeof(cli_monitor_commands[0]);
