/* The table of commands for log-ins to instances. */
#include "commands.h"

static const cli_column key_columns[] = {
    {.title = "ID", .path = "id"},
    {.title = "PERSON", .path = "person"},
    {.title = "ACCOUNT", .path = "account"},
    {.title = "SCOPE", .path = "scope"},
    {.title = "COMMENT", .path = "comment"},
    {.title = "AGE", .path = "createdAt", .format = CLI_AGE},
    {.title = "FINGERPRINT", .path = "fingerprint", .wide = true},
    {.title = NULL},
};
static const cli_column certificate_columns[] = {
    {.title = "SERIAL", .path = "serial"},
    {.title = "PERSON", .path = "person"},
    {.title = "ACCOUNT", .path = "account"},
    {.title = "SCOPE", .path = "scope"},
    {.title = "STATE", .path = "state"},
    {.title = "ISSUED", .path = "issuedAt", .format = CLI_AGE},
    {.title = "KEY ID", .path = "keyId", .wide = true},
    {.title = "FINGERPRINT", .path = "fingerprint", .wide = true},
    {.title = NULL},
};
static const cli_column session_columns[] = {
    {.title = "INSTANCE", .path = "instance"},
    {.title = "PERSON", .path = "person"},
    {.title = "ACCOUNT", .path = "account"},
    {.title = "BY", .path = "kind"},
    {.title = "ADDRESS", .path = "address"},
    {.title = "BEGAN", .path = "startedAt", .format = CLI_AGE},
    {.title = "ENDED", .path = "endedAt", .format = CLI_AGE},
    {.title = "HOST", .path = "host", .wide = true},
    {.title = "KEY ID", .path = "keyId", .wide = true},
    {.title = "COMMAND", .path = "command", .wide = true},
    {.title = NULL},
};

static const cli_column drift_columns[] = {
    {.title = "INSTANCE", .path = "instance"},
    {.title = "FILE", .path = "path"},
    {.title = "SINCE", .path = "since", .format = CLI_AGE},
    {.title = "APP", .path = "app", .wide = true},
    {.title = "HOST", .path = "host", .wide = true},
    {.title = NULL},
};

#define ACCOUNT_OPTIONS                                                                            \
	{"as", "ACCOUNT", "admin (with sudo; the default) or readonly"},                               \
	{                                                                                              \
		"minutes", "N", "life of the certificate (default: the gateway's, 60)"                     \
	}

const cli_command cli_ssh_commands[] = {
    {.noun = "ssh",
        .args = "INSTANCE [-- COMMAND...]",
        .arg_min = 1,
        .arg_max = 1,
        .takes_rest = true,
        .summary = "Log in to an instance, or run a command in it",
        .details =
            "Gets a certificate for this one instance and account, then becomes ssh. The key lies "
            "below\n~/.config/sotalia/ssh and never leaves this machine.",
        .run = run_ssh,
        .path = "/v1/ssh/certificates",
        .options = OPTIONS(ACCOUNT_OPTIONS),
        .examples = EXAMPLES("sotalia ssh shop-default-01",
            "sotalia ssh shop-default-01 --as=readonly -- tail -n 50 /data/applogs/shop.log")},
    {.noun = "exec",
        .args = "INSTANCE [-- COMMAND...]",
        .arg_min = 1,
        .arg_max = 1,
        .takes_rest = true,
        .summary = "Run a command in an instance through the gateway, or a shell",
        .details =
            "Needs no way to the instance's own address and no ssh in it. Its exit status is the\n"
            "command's; 128 and the signal when one ended it; 255 when the session was refused or "
            "cut.\nOne word is a line for the shell inside, several are a command with its "
            "arguments.",
        .run = run_exec,
        .path = "/v1/instances/%s/exec",
        .options = OPTIONS({"as", "ACCOUNT", "admin (with sudo; the default) or readonly"},
            {"interactive", NULL, "-i: pass standard input on"},
            {"terminal", NULL, "-t: with a terminal"}),
        .examples =
            EXAMPLES("sotalia exec shop-default-01", "sotalia exec shop-default-01 -- ps aux",
                "sotalia exec -i shop-default-01 -- tar -x -C /data/appdatas <data.tar",
                "sotalia exec -it shop-default-01 --as=readonly -- less /data/applogs/shop.log")},
    {.noun = "cp",
        .args = "SOURCE... TARGET",
        .arg_min = 2,
        .arg_max = CLI_ARGS_MAX,
        .summary = "Copy files and folders to an instance, or from one",
        .details = "Either all sources or the target are in an instance, written INSTANCE:PATH; a "
                   "PATH that\n"
                   "does not begin with '/' is below the account's home. Into a folder that is "
                   "there a source\n"
                   "keeps its name, otherwise TARGET is its new name; FOLDER/. is what is in it. "
                   "Modes, times\n"
                   "and links are kept, owners are not. Goes through the gateway, with the rights "
                   "and the audit\n"
                   "of exec; the instance needs tar.",
        .run = run_copy,
        .options = OPTIONS({"as", "ACCOUNT", "admin (the default), or readonly, which only gives"},
            {"sudo", "USER", "what is read or written there is by USER: root, app"}),
        .examples = EXAMPLES("sotalia cp app.conf shop-default-01:/data/appdatas/ --sudo=app",
            "sotalia cp shop-default-01:/data/applogs ./logs --as=readonly",
            "sotalia cp site/. shop-default-01:site")},
    {.noun = "ssh-config",
        .args = "INSTANCE...",
        .arg_min = 1,
        .arg_max = CLI_ARGS_MAX,
        .summary = "Print what ssh, scp, sftp and rsync need to reach instances",
        .details = "A block of ssh_config(5) for each instance, with a certificate that is valid "
                   "from now on.",
        .run = run_ssh_config,
        .path = "/v1/ssh/certificates",
        .options = OPTIONS(ACCOUNT_OPTIONS),
        .examples = EXAMPLES("sotalia ssh-config shop-default-01 >shop.conf",
            "scp -F shop.conf notes.txt shop-default-01:/tmp/",
            "rsync -a -e 'ssh -F shop.conf' site/ shop-default-01:site/")},
    {.noun = "key",
        .verb = "list",
        .summary = "Public keys that may log in without a certificate",
        .run = run_list,
        .path = "/v1/ssh/keys",
        .columns = key_columns,
        .name_field = "id",
        .options = OPTIONS({"person", "NAME", "only this person's"}),
        .examples = EXAMPLES("sotalia key list --person=li")},
    {.noun = "key",
        .verb = "add",
        .args = "FILE",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Let a public key log in to an app's instances, or to one",
        .run = run_key_add,
        .path = "/v1/ssh/keys",
        .options = OPTIONS({"app", "NAME", "to all instances of this app"},
            {"instance", "NAME", "to this instance"},
            {"as", "ACCOUNT", "admin (with sudo; the default) or readonly"},
            {"person", "NAME", "whose key it is (default: yours)"}),
        .examples = EXAMPLES("sotalia key add ~/.ssh/id_ed25519.pub --app=shop --as=readonly")},
    {.noun = "key",
        .verb = "remove",
        .args = "ID",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Remove a public key; its sessions are ended",
        .run = run_revocation,
        .method = "DELETE",
        .path = "/v1/ssh/keys/%s",
        .examples = EXAMPLES("sotalia key remove 0197b1c2-...")},
    {.noun = "key",
        .verb = "revoke",
        .args = "PERSON",
        .arg_min = 0,
        .arg_max = 1,
        .summary = "End all certificates and keys of a person, or one certificate",
        .details =
            "Within a minute no log-in with them succeeds any more, and their sessions are ended.",
        .run = run_revocation,
        .method = "POST",
        .path = "/v1/ssh/revocations",
        .options = OPTIONS({"serial", "N", "only the certificate with this serial number"}),
        .examples = EXAMPLES("sotalia key revoke li", "sotalia key revoke --serial=42")},
    {.noun = "drift",
        .verb = "list",
        .summary = "Files of the platform in instances that were changed inside",
        .run = run_list,
        .path = "/v1/drift",
        .columns = drift_columns,
        .name_field = "path",
        .options =
            OPTIONS({"app", "NAME", "only of this app"}, {"instance", "NAME", "only of this one"}),
        .examples = EXAMPLES("sotalia drift list --app=shop")},
    {.noun = "certificate",
        .verb = "list",
        .summary = "Certificates that were issued, newest first",
        .run = run_list,
        .path = "/v1/ssh/certificates",
        .columns = certificate_columns,
        .name_field = "keyId",
        .options = OPTIONS({"person", "NAME", "only this person's"},
            {"state", "STATE", "valid, expired or revoked"}),
        .examples = EXAMPLES("sotalia certificate list --state=valid")},
    {.noun = "session",
        .verb = "list",
        .summary = "Who is, and was, logged in to instances, newest first",
        .run = run_list,
        .path = "/v1/ssh/sessions",
        .columns = session_columns,
        .name_field = "keyId",
        .options = OPTIONS({"instance", "NAME", "only of this instance"},
            {"person", "NAME", "only this person's"},
            {"open", "BOOL", "true: only those that are on"}),
        .examples = EXAMPLES("sotalia session list --open=true")},
};
const size_t cli_ssh_command_count = sizeof(cli_ssh_commands) / sizeof(cli_ssh_commands[0]);
