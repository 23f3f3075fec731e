/* name_watch - counts what CAT's pages fold together: more than 100 types of a machine and more
 * than 200 names of a type in an hour are shown as "OTHERS". Nothing is held back; the operator is
 * told. Bounded; begins anew with each hour. Pure.
 */
#ifndef MONITOR_NAME_WATCH_H
#define MONITOR_NAME_WATCH_H

#include "sot_mem.h"
#include "sot_str.h"

#define NAME_WATCH_TYPES 100
#define NAME_WATCH_NAMES 200
#define NAME_WATCH_ENTRIES_MAX 100000

typedef struct name_watch name_watch;
name_watch *name_watch_new(void);
name_watch *name_watch_free(name_watch *w);
SOT_DEFINE_AUTO(name_watch)
/* True when this one is folded. `machine` is any text that tells machines apart. */
bool name_watch_note(name_watch *w, int64_t hour, sot_str machine, sot_str type, sot_str name);

#endif
