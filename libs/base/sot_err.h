/* sot_err - how every fallible function of Sotalia reports failure.
 *
 * The code tells the program what to do next, the text tells the human what was wrong, where, and
 * what to do. The object is a fixed struct on the caller's stack: nothing to free, and nothing can
 * fail while failing. On success `err` is untouched; return parameters are untouched on failure.
 * Pure, no I/O, thread-safe (no shared state).
 */
#ifndef SOT_ERR_H
#define SOT_ERR_H

#include <stdarg.h>
#include <stddef.h>

#define SOT_CHECK __attribute__((warn_unused_result))
#define SOT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* Few codes, by what the caller does next. */
typedef enum sot_code {
	SOT_OK = 0,
	SOT_INVALID = 1,     /* the input is wrong: do not retry, tell the user */
	SOT_NOT_FOUND = 2,   /* the named thing does not exist */
	SOT_CONFLICT = 3,    /* it exists already, or its state forbids this now */
	SOT_LIMIT = 4,       /* a bound or a quota was hit; no room */
	SOT_UNAVAILABLE = 5, /* a dependency is away or too slow: retry later */
	SOT_INTERNAL = 6,    /* a bug or an impossible answer */
	SOT_DENIED = 7,      /* not authenticated or not permitted */
	SOT_UNKNOWN = 8,     /* it may or may not have happened (a lost commit answer): read back */
} sot_code;

#define SOT_ERR_TEXT_MAX 240

typedef struct sot_err {
	sot_code code;
	int sys_errno; /* errno at the failure, 0 when there is none */
	char text[SOT_ERR_TEXT_MAX];
} sot_err;

/* Sets `err` (when not NULL) and returns `code`. A text that is too long is cut. */
sot_code sot_fail(sot_err *err, sot_code code, const char *fmt, ...) SOT_PRINTF(3, 4);

/* As sot_fail, and appends ": <strerror(sys_errno)>". */
sot_code sot_fail_errno(sot_err *err, sot_code code, int sys_errno, const char *fmt, ...)
    SOT_PRINTF(4, 5);

/* Puts "<fmt>: " in front of the text of `err` and returns its code. */
sot_code sot_wrap(sot_err *err, const char *fmt, ...) SOT_PRINTF(2, 3);

/* A lower-case name such as "not_found"; never NULL. The same word is used on the wire and in the
 * API's problem documents. */
const char *sot_code_name(sot_code code);

#endif
