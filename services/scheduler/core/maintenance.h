/* maintenance - when, and which, middleware packages may be rolled over an app by others.
 *
 * Pure. Windows are one text, "sat,sun 22:00-04:00;daily 02:00-03:00", in UTC; one that ends before
 * it begins ends on the next day. Without any an app is open at any time.
 */
#ifndef SCHEDULER_MAINTENANCE_H
#define SCHEDULER_MAINTENANCE_H

#include "rows.h"

/* Whether the text is one window; with the reason when it is none. */
bool maintenance_window_check(sot_str window, const char **ret_why);
/* Whether one of them is open at that time; `windows` NULL or "": always. */
bool maintenance_is_open(const char *windows, int64_t unix_ms);
/* Whether the app's people give it that package themselves. */
bool maintenance_is_opted_out(const app_settings *s, sot_str package);
/* Whether the app has the label `name=value`. */
bool maintenance_has_label(const app_settings *s, sot_str label);

#endif
