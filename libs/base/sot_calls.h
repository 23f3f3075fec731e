/* sot_calls - calls of a few kinds, told without telling each: how many there were since somebody
 * asked last, how long they took, and the ones that failed.
 *
 * Durations are counted in classes of a quarter of an octave, from 0 ms to 65 s: a class's middle
 * is at most an eighth off. What it costs: 300 bytes a kind, a look-up a call. One owner thread.
 */
#ifndef SOT_CALLS_H
#define SOT_CALLS_H

#include "sot_map.h"
#include "sot_time.h"

enum {
	SOT_CALL_CLASSES = 60,
	SOT_CALL_NAME_MAX = 80,   /* longer ones are cut */
	SOT_CALL_STATUS_MAX = 32, /* longer ones are cut */
	SOT_CALL_FAILURES_MAX = 32
};

/* Of one kind. */
typedef struct sot_call_counts {
	uint64_t count;  /* without those that are told one by one */
	uint64_t failed; /* of `count` */
	uint64_t us_sum;
	uint32_t classes[SOT_CALL_CLASSES]; /* of `count` */
} sot_call_counts;

/* One that failed: they are few, and each is worth a line. */
typedef struct sot_call_failure {
	char name[SOT_CALL_NAME_MAX + 1];
	char status[SOT_CALL_STATUS_MAX + 1]; /* "timeout", "http-503" */
	int64_t at_unix_ms;                   /* when it ended */
	uint64_t us;
} sot_call_failure;

/* The class of a duration, and the middle of a class. */
unsigned sot_call_class(uint64_t ms);
uint64_t sot_call_class_ms(unsigned class);
/* `times` calls of one class; the sum of their durations is the caller's. */
void sot_call_counts_add(sot_call_counts *c, uint64_t ms, uint32_t times);
void sot_call_counts_merge(sot_call_counts *into, const sot_call_counts *from);

typedef struct sot_calls sot_calls;
/* Past `kinds_max` kinds the others are counted together as "OTHERS". */
sot_calls *sot_calls_new(size_t kinds_max);
sot_calls *sot_calls_free(sot_calls *c);
SOT_DEFINE_AUTO(sot_calls)

void sot_calls_note(sot_calls *c, sot_str name, int64_t us);
/* Told one by one while there is room, else counted. */
void sot_calls_note_failure(
    sot_calls *c, sot_str name, int64_t us, const char *status, sot_wall at);
/* Of one kind, made when it is new: to be added to. */
sot_call_counts *sot_calls_of(sot_calls *c, sot_str name);
/* Adds all that `from` holds. */
void sot_calls_merge(sot_calls *into, const sot_calls *from);
/* All kinds that were called; start with {0}. NULL at the end. */
const sot_call_counts *sot_calls_next(const sot_calls *c, sot_map_iter *it, sot_str *ret_name);
const sot_call_failure *sot_calls_failures(const sot_calls *c, size_t *ret_count);
bool sot_calls_is_empty(const sot_calls *c);
/* Begins anew. */
void sot_calls_clear(sot_calls *c);

#endif
