/* import_csv - a reader of CSV (RFC 4180) that is fed in chunks of any size.
 *
 * A byte order mark is skipped; lines end with LF or CRLF; quoted fields may hold both; empty lines
 * are skipped. A line that is wrong is told and skipped, reading goes on with the next one. Memory
 * is bounded by CSV_RECORD_MAX. Pure.
 */
#ifndef IPAM_IMPORT_CSV_H
#define IPAM_IMPORT_CSV_H

#include "sot_mem.h"

enum { CSV_RECORD_MAX = 8192, CSV_FIELDS_MAX = 64 };

typedef struct csv_reader csv_reader;

typedef struct csv_handlers {
	/* A record that began in `line` (1 is the first). The fields are borrowed for the call. */
	void (*on_record)(void *self, uint32_t line, const sot_str *fields, size_t count);
	/* A line that was skipped. */
	void (*on_error)(void *self, uint32_t line, const char *detail);
	void *self;
} csv_handlers;

csv_reader *csv_reader_new(const csv_handlers *handlers);
csv_reader *csv_reader_free(csv_reader *r);
void csv_reader_feed(csv_reader *r, sot_str chunk);
/* The last line need not end. */
void csv_reader_end(csv_reader *r);
uint32_t csv_reader_lines(const csv_reader *r); /* lines of the file, so far */
SOT_DEFINE_AUTO(csv_reader)

#endif
