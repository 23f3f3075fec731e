/* cat_accept - what a CAT 3.1 server would do with a tree: take it, or drop it without a word, and
 * why. For tests and for `sotalia-catdump --rules`. It remembers what it must (heartbeats of each
 * machine in the hour, message ids). Pure: the server's time is an argument.
 */
#ifndef CAT_ACCEPT_H
#define CAT_ACCEPT_H

#include "cat_read.h"

typedef enum cat_verdict {
	CAT_ACCEPTED,
	CAT_NO_METRIC_BAGS,  /* NM1 is of 4.x */
	CAT_DOMAIN_EXCLUDED, /* the default serverFilter.xml */
	CAT_PERIOD_CLOSED,   /* no hour that is open */
	CAT_TOO_MANY_BEATS,  /* the 62nd heartbeat of a machine in an hour */
	CAT_BAD_DOCUMENT,    /* a heartbeat that its parser refuses */
	CAT_BAD_METRIC,      /* a status that is none of C T S S,C, or no number */
	CAT_BAD_NAME,        /* not printable ASCII, longer than 256 */
	CAT_ID_TWICE,        /* the log view of one of the two is lost */
	CAT_BAD_ID,          /* not <domain>-<8 hex>[.n]-<hour>-<number> of its own hour */
	CAT_TWO_IN_A_MINUTE, /* the second heartbeat of a machine in a minute overwrites the first */
	CAT_BAD_AGGREGATE,   /* data that begins with '@' and does not add up */
	CAT_VERDICTS
} cat_verdict;

const char *cat_verdict_name(cat_verdict v);

typedef struct cat_accept cat_accept;
cat_accept *cat_accept_new(void);
cat_accept *cat_accept_free(cat_accept *a);
SOT_DEFINE_AUTO(cat_accept)
/* The first rule that the tree breaks. */
cat_verdict cat_accept_tree(cat_accept *a, const cat_read_tree *tree, int64_t now_unix_ms);
/* How many trees got that verdict. */
uint64_t cat_accept_count(const cat_accept *a, cat_verdict v);

#endif
