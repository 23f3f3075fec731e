/* kernel_setting - files below /proc/sys of the calling thread's network namespace. */
#ifndef HOSTAGENT_KERNEL_SETTING_H
#define HOSTAGENT_KERNEL_SETTING_H

#include "sot_err.h"

#include <stdbool.h>

/* `path` without /proc/sys/. SOT_NOT_FOUND when this kernel, or this link, has no such setting. */
sot_code kernel_setting_write(const char *path, const char *value, sot_err *err) SOT_CHECK;
/* Whether the setting is there and begins with another word than `value`. */
bool kernel_setting_differs(const char *path, const char *value);

/* "net/ipv6/conf/<link>/<key>" = value, where the kernel has IPv6. */
void kernel_setting_ipv6(const char *link, const char *key, const char *value);

#endif
