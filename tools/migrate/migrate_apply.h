/* migrate_apply - brings a database to the state of a list of migrations. Blocking libpq.
 *
 * One run at a time (advisory lock); each migration in one transaction together with its row in
 * core.schema_migration, so that after a crash at any moment a second run goes on where this ended.
 */
#ifndef MIGRATE_APPLY_H
#define MIGRATE_APPLY_H

#include "migration_list.h"

typedef struct migrate_options {
	const char *conninfo; /* of the owner of the schema: role sot_migrator */
	bool plan_only;       /* prints what would run, changes nothing */
} migrate_options;

/* Prints progress on stdout. SOT_INVALID: the database and the folder do not belong together (a
 * changed or missing file), or a migration failed; the text names it. Marks in `list`
 * what the database had. */
sot_code migrate_apply(
    const migrate_options *options, migration_list *list, sot_err *err) SOT_CHECK;

/* Says to a database that it was restored (core.restored), while no service is connected: a new
 * event stream, and epochs and generations beyond all that agents have seen. SOT_INVALID: it is no
 * database of this platform, or services are connected; then nothing was changed. */
sot_code migrate_restored(const migrate_options *options, sot_err *err) SOT_CHECK;

#endif
