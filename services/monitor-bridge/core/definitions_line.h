/* definitions_line - one line of definitions as words and key=value, each taken once: what is left
 * over at the end is a mistake of who wrote it. Every error says file and line. Pure.
 */
#ifndef MONITOR_DEFINITIONS_LINE_H
#define MONITOR_DEFINITIONS_LINE_H

#include "definitions_internal.h"

#define DEFINITION_WORDS_MAX 24
#define DEFINITION_WORD_MAX 512

/* One word: `value` alone (key empty), or key=value. */
typedef struct word {
	sot_str key;
	char value[DEFINITION_WORD_MAX];
	bool is_used;
} word;

typedef struct line {
	const char *file;
	unsigned number;
	word words[DEFINITION_WORDS_MAX];
	size_t count, at; /* at: the next word that stands alone */
	sot_err *err;
} line;

/* SOT_INVALID: "file:line: what \"about\"". */
sot_code line_complain(const line *l, const char *what, sot_str about);
/* Cuts `text` into words; from # on it is a remark. */
sot_code line_split(line *l, sot_str text) SOT_CHECK;
/* The next word that stands alone, NULL when there is none. */
const char *line_next_word(line *l);
/* The value of a key that was not asked for before, NULL when there is none. */
const char *line_value_of(line *l, const char *key);
/* The same, but there must be one; `what` names a word that stands alone. */
sot_code line_need(line *l, const char *key, const char **ret) SOT_CHECK;
sot_code line_need_word(line *l, const char *what, const char **ret) SOT_CHECK;
/* Whether nothing of the line was left over. */
sot_code line_all_used(line *l) SOT_CHECK;

#endif
