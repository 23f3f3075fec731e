/* What the readers of the codecs share: a cursor that remembers the first thing that was wrong. */
#ifndef CAT_READ_INTERNAL_H
#define CAT_READ_INTERNAL_H

#include "cat_read.h"

typedef struct cat_cursor {
	const unsigned char *p;
	size_t n, at;
	const char *wrong; /* NULL: all is well so far */
	size_t wrong_at;
	sot_arena *memory;
	cat_read_tree *tree;
	size_t capacity; /* of tree->messages */
} cat_cursor;

static inline bool cat_bad(const cat_cursor *c)
{
	return c->wrong != NULL;
}
static inline void cat_wrong(cat_cursor *c, const char *what)
{
	if (c->wrong)
		return;
	c->wrong = what;
	c->wrong_at = c->at;
}
/* 0 behind the end, which is wrong. */
static inline unsigned char cat_take(cat_cursor *c)
{
	if (c->at >= c->n) {
		cat_wrong(c, "the frame ends too early");
		return 0;
	}
	return c->p[c->at++];
}
/* The message that begins with `letter`, one of `letters`. NULL, which is wrong: another letter, a
 * tree that is nested too deeply, too many messages, or no memory for them. It moves in memory
 * while its children are read: it is reached by its place. */
cat_read_message *cat_begin_message(
    cat_cursor *c, const char *letters, char letter, unsigned depth);

void cat_read_nt1(cat_cursor *c);
void cat_read_pt1(cat_cursor *c);
void cat_read_nm1(cat_cursor *c);

#endif
