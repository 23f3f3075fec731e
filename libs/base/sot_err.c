/* Error objects: fixed size, so that failing cannot fail. */
#include "sot_err.h"

#include <stdio.h>
#include <string.h>

static void set(sot_err *err, sot_code code, int sys_errno)
{
	err->code = code;
	err->sys_errno = sys_errno;
}

/* Cuts what does not fit: the front of a text says where, and that matters most. */
static void append(char text[static SOT_ERR_TEXT_MAX], const char *more)
{
	size_t n = strlen(text), more_n = strlen(more), room = SOT_ERR_TEXT_MAX - 1 - n;
	size_t copied = more_n < room ? more_n : room;
	memcpy(text + n, more, copied);
	text[n + copied] = '\0';
}

sot_code sot_fail(sot_err *err, sot_code code, const char *fmt, ...)
{
	if (!err)
		return code;
	char text[SOT_ERR_TEXT_MAX]; /* an argument may be err->text itself */
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	set(err, code, 0);
	memcpy(err->text, text, sizeof(text));
	return code;
}

sot_code sot_fail_errno(sot_err *err, sot_code code, int sys_errno, const char *fmt, ...)
{
	if (!err)
		return code;
	char text[SOT_ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	char buf[128];
	const char *why = strerror_r(sys_errno, buf, sizeof(buf)); /* GNU: may not use buf */
	append(text, ": ");
	append(text, why);
	set(err, code, sys_errno);
	memcpy(err->text, text, sizeof(text));
	return code;
}

sot_code sot_wrap(sot_err *err, const char *fmt, ...)
{
	if (!err)
		return SOT_INTERNAL;
	char text[SOT_ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	append(text, ": ");
	append(text, err->text);
	memcpy(err->text, text, sizeof(text));
	return err->code;
}

const char *sot_code_name(sot_code code)
{
	static const char *const names[] = {
	    [SOT_OK] = "ok",
	    [SOT_INVALID] = "invalid",
	    [SOT_NOT_FOUND] = "not_found",
	    [SOT_CONFLICT] = "conflict",
	    [SOT_LIMIT] = "limit",
	    [SOT_UNAVAILABLE] = "unavailable",
	    [SOT_INTERNAL] = "internal",
	    [SOT_DENIED] = "denied",
	    [SOT_UNKNOWN] = "unknown",
	};
	size_t i = (size_t)code;
	return i < sizeof(names) / sizeof(names[0]) ? names[i] : "internal";
}
