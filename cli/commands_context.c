/* Commands about this command itself: whom it talks to, and what the shell can complete. */
#include "commands.h"

static const cli_column context_columns[] = {
    {.title = "NAME", .path = "name"},
    {.title = "CURRENT", .path = "current"},
    {.title = "GATEWAY", .path = "url"},
    {.title = "USER", .path = "user"},
    {.title = "CA", .path = "ca", .wide = true},
    {.title = "TOKEN", .path = "tokenId", .wide = true},
    {.title = NULL},
};

const cli_command cli_context_commands[] = {
    {.noun = "context",
        .verb = "login",
        .args = "[NAME]",
        .arg_max = 1,
        .summary = "Log in to a gateway and remember it under a name (default: default)",
        .details =
            "Asks for name and password, makes an API token of yours, and keeps it with the\n"
            "gateway's URL and certificate in ~/.config/sotalia/contexts.json, which only you can\n"
            "read. Later commands need no --url, --token or --ca. From a pipe, stdin is the user\n"
            "name (unless --user is given) and the password, a line each. With --oidc a browser\n"
            "logs in at the company's OpenID provider; the address is printed, and opened on a\n"
            "desktop.",
        .run = run_context_login,
        .options = OPTIONS({"user", "NAME", "who logs in (default: asked for)"},
            {"days", "N", "how long the token is valid, at most 90 (default: 30)"},
            {"oidc", NULL, "log in with a browser at the OpenID provider"},
            {"paste", NULL, "with --oidc: the browser is on another machine, it shows a code"}),
        .examples = EXAMPLES("sotalia context login prod --url=https://cloud.example:7443",
            "sotalia context login test --url=https://10.0.0.5:7443 --ca=ca.pem --user=li",
            "sotalia context login prod --url=https://cloud.example:7443 --oidc")},
    {.noun = "context",
        .verb = "list",
        .summary = "The gateways that are remembered, and which one is used",
        .run = run_context_list,
        .columns = context_columns,
        .name_field = "name",
        .examples = EXAMPLES("sotalia context list")},
    {.noun = "context",
        .verb = "use",
        .args = "NAME",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Use this one from now on",
        .run = run_context_use,
        .examples = EXAMPLES("sotalia context use test")},
    {.noun = "context",
        .verb = "delete",
        .args = "NAME",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Log out: revoke its token and forget it",
        .run = run_context_delete,
        .options = OPTIONS({"keep-token", NULL, "forget it though its token stays valid"}),
        .examples = EXAMPLES("sotalia context delete test")},
    {.noun = "completion",
        .args = "SHELL",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Print what makes bash, zsh or fish complete commands and names",
        .run = run_completion,
        .examples =
            EXAMPLES("source <(sotalia completion bash)", "sotalia completion fish | source")},
};
const size_t cli_context_command_count =
    sizeof(cli_context_commands) / sizeof(cli_context_commands[0]);
