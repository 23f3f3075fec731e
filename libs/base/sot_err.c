/* Error objects: fixed size, so that failing cannot fail. */
#include "sot_err.h"

#include <stdio.h>
#include <string.h>

static void set(sot_err *err, sot_code code, int sys_errno)
{
	err->code = code;
	err->sys_errno = sys_errno;
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
	size_t n = strlen(text);
	snprintf(text + n, sizeof(text) - n, ": %s", why);
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

	size_t n = strlen(text);
	snprintf(text + n, sizeof(text) - n, ": %s", err->text);
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
