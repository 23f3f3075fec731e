/* validate - what a request may say, beyond the bounds that its decoder has checked. Pure: looks at
 * the message only. Each function returns true, or false with the problem filled. */
#ifndef SCHEDULER_VALIDATE_H
#define SCHEDULER_VALIDATE_H

#include "messages.h"

typedef struct problem {
	enum sot_refusal code;
	char pointer[129];       /* JSON pointer of the field, or "" */
	char text[600];          /* what was wrong, what to do */
	uint32_t retry_after_ms; /* the same request may be right then; 0: it will not */
} problem;

/* Fills the problem and returns false, for `return problem_set(...)`. */
bool problem_set(problem *p, enum sot_refusal code, const char *pointer, const char *fmt, ...)
    SOT_PRINTF(4, 5);

bool validate_app_create(const sot_app_create *m, problem *p);
bool validate_package_register(const sot_package_register *m, problem *p);
bool validate_image_register(const sot_image_register *m, problem *p);
bool validate_image_add(const sot_image_add *m, problem *p);
bool validate_host_register(const sot_host_register *m, problem *p);

#endif
