/* imports - one import at a time: reads the staged file, checks it, applies it or says why not.
 *
 *   FIND the key and the staged file --> READ its parts --> parse (worker)
 *     --> FACTS: what is there --> plan (worker)
 *     --> errors or a dry run: WRITE the report;  else WRITE everything and the report: one
 *         transaction, which starts again at FACTS when something changed meanwhile
 *
 * Parsing and planning run on the loop's thread pool: they touch nothing but the job. An import has
 * a connection of its own, so that requests for addresses do not wait behind it.
 */
#ifndef IPAM_SHELL_IMPORTS_H
#define IPAM_SHELL_IMPORTS_H

#include "import_plan.h"
#include "ipam.h"

enum { IMPORT_FILE_MAX = 64 * 1024 * 1024 };

typedef struct import_job {
	ipam *ip;
	ipam_client *client;
	store *store;
	sot_arena *arena; /* the message */
	const sot_import_run *message;
	sot_buf file;
	sot_arena *facts_arena;
	import_facts facts;
	import_rows *rows;
	import_plan *plan;
	sot_err read_error;
	sot_mono began;
	int64_t version, bytes;
	uint32_t parts, parts_read;
	unsigned tries;
	bool is_known, is_same, is_there, is_in_work;
	int64_t known_errors;
	char state[16]; /* of the row, before */
} import_job;

/* ---- import_facts.c: what is there ---- */
/* Adds the queries; their handlers fill in job->facts. */
void import_facts_ask(import_job *job, store_tx *tx);

/* ---- import_write.c: what becomes of it ---- */
/* Gives what is new its ids, and adds the statements that write the plan and tell its events. */
void import_write_plan(import_job *job, store_tx *tx);
/* The report, its audit, and the idempotency key. `state`: checked, refused or applied. */
void import_write_report(import_job *job, store_tx *tx, const char *state);

#endif
