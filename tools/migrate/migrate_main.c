/* sotalia-migrate - applies deploy/migrations to a database. */
#include "migrate_apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: sotalia-migrate --dir=FOLDER [--database=CONNINFO] [--plan]\n"
    "       sotalia-migrate --restored [--database=CONNINFO]\n"
    "\n"
    "Applies the files NNNN_words.sql of FOLDER in order, each in one transaction, and records "
    "each\n"
    "with its SHA-256 in core.schema_migration. Run again, it goes on where it ended. It refuses "
    "a\n"
    "folder whose applied files were changed or are missing. Connect as the owner of the schema\n"
    "(role sot_migrator).\n"
    "\n"
    "  --database=CONNINFO  libpq connection string, e.g. \"host=/run/postgresql dbname=sotalia\n"
    "                       user=sot_migrator\"; default: environment SOT_MIGRATE_DATABASE\n"
    "  --plan               prints what would be applied, changes nothing\n"
    "  --restored           says that the database came back from a backup: a new event stream, "
    "and "
    "numbers\n"
    "                       beyond all that agents have seen. Before a service connects to it.\n"
    "\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 database not reachable or locked.\n";

static bool value_of(const char *arg, const char *name, const char **ret)
{
	size_t n = strlen(name);
	if (strncmp(arg, name, n) != 0)
		return false;
	*ret = arg + n;
	return true;
}

static int wrong_usage(const char *what, const char *arg)
{
	(void)fprintf(stderr, "sotalia-migrate: %s%s\n%s", what, arg, usage);
	return 2;
}

int main(int argc, char **argv)
{
	const char *dir = NULL;
	bool restored = false;
	migrate_options options = {.conninfo = getenv("SOT_MIGRATE_DATABASE")};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			(void)fputs(usage, stdout);
			return 0;
		}
		if (strcmp(argv[i], "--plan") == 0)
			options.plan_only = true;
		else if (strcmp(argv[i], "--restored") == 0)
			restored = true;
		else if (!value_of(argv[i], "--dir=", &dir) &&
		         !value_of(argv[i], "--database=", &options.conninfo))
			return wrong_usage("unknown argument ", argv[i]);
	}
	if (!options.conninfo || restored == (dir != NULL))
		return wrong_usage("needs --database, and --dir or --restored", "");
	migration_list list = {0};
	sot_err err = {0};
	sot_code code =
	    restored ? migrate_restored(&options, &err) : migration_list_read(dir, &list, &err);
	if (code == SOT_OK && !restored)
		code = migrate_apply(&options, &list, &err);
	migration_list_clear(&list);
	if (code == SOT_OK)
		return 0;
	(void)fprintf(stderr, "sotalia-migrate: %s\n", err.text);
	return code == SOT_UNAVAILABLE ? 3 : 1;
}
