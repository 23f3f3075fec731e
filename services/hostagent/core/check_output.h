/* check_output - the last words of a command that judges an instance's health, as a reason of one
 * line. Pure.
 */
#ifndef HOSTAGENT_CHECK_OUTPUT_H
#define HOSTAGENT_CHECK_OUTPUT_H

#include "sot_str.h"

enum { CHECK_OUTPUT_MAX = 160, CHECK_REASON_MAX = 230 };

/* The end of what the command wrote, whatever it is. */
typedef struct check_output {
	char bytes[CHECK_OUTPUT_MAX];
	size_t n;
} check_output;

void check_output_add(check_output *o, const void *bytes, size_t n);
/* "<what>: <last lines>": UTF-8 without control characters; lines are parted by " |
 * ". */
void check_output_reason(
    const check_output *o, const char *what, char dst[static CHECK_REASON_MAX]);

#endif
