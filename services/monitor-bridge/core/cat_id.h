/* cat_id - message ids: <domain>-<ip as 8 hex digits>[.copy]-<hour>-<sequence>.
 *
 * The sequence counts per hour and per pair of domain and address: machines that share both (their
 * addresses are not known yet, or one took over the other's) share the sequence, or their ids would
 * be the same. To stay unique over a restart within the hour, the
 * process reserves sequences ahead: a reservation is stored before the first number of it is used,
 * and a new process starts at the stored bound. One small write per CAT_ID_HEADROOM ids of the
 * busiest machine, whatever the number of machines. Two hours are kept, because trees of the last
 * hour arrive in the first minutes of the next. Pure.
 */
#ifndef MONITOR_CAT_ID_H
#define MONITOR_CAT_ID_H

#include "sot_map.h"
#include "sot_str.h"

#define CAT_ID_HEADROOM 1000u
#define CAT_ID_SEQUENCE_MAX 50000000u /* the server's index ends there */
#define CAT_ID_MAX 160
#define CAT_ID_HOURS 2

/* Of one domain and address. All zero is a fresh one. */
typedef struct cat_sequence {
	int64_t hour[CAT_ID_HOURS];
	uint32_t next[CAT_ID_HOURS];
} cat_sequence;

/* Of the process. `base` is where sequences of that hour begin, `bound` what is stored. */
typedef struct cat_reservation {
	int64_t hour[CAT_ID_HOURS];
	uint32_t base[CAT_ID_HOURS], bound[CAT_ID_HOURS];
} cat_reservation;

/* Takes over what an earlier process stored. */
void cat_reservation_restore(cat_reservation *r, int64_t hour, uint32_t bound);

/* The next sequence of a machine in `hour`. *ret_grew is true when the reservation grew and must be
 * stored before the number is used. SOT_INVALID for an hour that is older than the two kept,
 * SOT_LIMIT when the hour's sequences are used up. */
sot_code cat_id_next(cat_reservation *r, cat_sequence *s, int64_t hour, uint32_t *ret,
    bool *ret_grew, sot_err *err) SOT_CHECK;

/* All sequences by domain (any number that stands for it) and address, at most `max`. */
typedef struct cat_sequences cat_sequences;
cat_sequences *cat_sequences_new(size_t max);
cat_sequences *cat_sequences_free(cat_sequences *q); /* NULL-safe */
SOT_DEFINE_AUTO(cat_sequences)
/* Made when it is new, valid until it is forgotten. NULL when there are `max` others. */
cat_sequence *cat_sequences_get(cat_sequences *q, uint32_t domain, uint32_t address);
/* Forgets those whose last hour is so old at `hour` that no id of it is asked for any more. */
void cat_sequences_forget(cat_sequences *q, int64_t hour);

/* copy: 0, or the number of this bridge among several that serve one domain and address. */
sot_str cat_id_format(sot_str domain, uint32_t address, unsigned copy, int64_t hour,
    uint32_t sequence, char dst[static CAT_ID_MAX]);

#endif
