/* Commands for the machine that has the database: its backups. They run sotalia-backup, which is
 * installed there (package sotalia-admin), and say what it says. */
#include "commands.h"

const cli_command cli_admin_commands[] = {
    {.noun = "admin",
        .verb = "backup",
        .args = "FOLDER",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Take a backup into FOLDER/TIME, while everything runs",
        .details =
            "The database, and beside it what the services keep in files: /etc/sotalia, packages,\n"
            "the certificate authorities of ssh; with checksums. On the machine of the primary, "
            "as\n"
            "root.",
        .run = run_admin_backup,
        .examples = EXAMPLES("sotalia admin backup /var/backups/sotalia")},
    {.noun = "admin",
        .verb = "check",
        .args = "BACKUP",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Whether a backup is whole: checksums, archives, a base backup in them",
        .run = run_admin_check,
        .examples = EXAMPLES("sotalia admin check /var/backups/sotalia/20261129T080000Z")},
    {.noun = "admin",
        .verb = "restore",
        .args = "BACKUP",
        .arg_min = 1,
        .arg_max = 1,
        .summary = "Restore a backup into an empty cluster, with all services stopped",
        .details = "What lies in files already is left as it is. Then start the services: hosts "
                   "come back\n"
                   "by themselves, what runs there runs on (docs/production.md).",
        .run = run_admin_restore,
        .examples = EXAMPLES("sotalia admin restore /var/backups/sotalia/20261129T080000Z")},
};
const size_t cli_admin_command_count = sizeof(cli_admin_commands) / sizeof(cli_admin_commands[0]);
