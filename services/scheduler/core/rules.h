/* rules - placement rules and small tables in requests: from a message to rows, and what changed
 * as JSON. Private to core/. */
#ifndef SCHEDULER_RULES_H
#define SCHEDULER_RULES_H

#include "parts.h"
#include "validate.h"

/* What the placement of an app says in itself and against what there is. `own`: the app's name. */
bool rules_check_placement(
    const controller *c, sot_str own, sot_str team, const struct sot_placement *m, problem *p);
/* The row of a message that was checked. */
placement_row rules_placement_of(const struct sot_placement *m);
/* Whether `count` instances of the plan can ever be within the team's quota. */
bool rules_check_quota(const controller *c, sot_str team, sot_str plan, uint32_t count, problem *p);
/* Words of a tag: its alphabet, no word twice. `pointer`: of the list. */
bool rules_check_tags(const sot_str *tags, size_t count, const char *pointer, problem *p);
/* The words with commas between; free() it. */
char *rules_join(const sot_str *words, size_t count);

/* ---- {"changed":{"field":[old,new],...}} ---- */
typedef struct changes {
	sot_buf json;
	size_t count;
	bool is_new, is_gone; /* then old, or new, is null */
} changes;
void changes_begin(changes *ch);
void changes_number(changes *ch, const char *field, uint64_t before, uint64_t after);
void changes_text(changes *ch, const char *field, const char *before, const char *after);
/* Both are JSON. */
void changes_json(changes *ch, const char *field, const char *before, const char *after);
/* The finished object; say_event takes it. */
sot_buf changes_end(changes *ch);

#endif
