/* views - keeps the view of its own resources (LXCFS's files over the kernel's) in each instance
 * that runs. The runtime wrapper binds it at a start when LXCFS answers; here is what a start
 * cannot know: instances that were started without it, and an LXCFS that was started again.
 *
 * Looks every view_check_ms, in a child with a deadline (sotalia-view), because LXCFS may stand
 * still: the loop never touches its files.
 */
#ifndef HOSTAGENT_VIEWS_H
#define HOSTAGENT_VIEWS_H

#include "agent.h"

views *views_new(agent *a);
views *views_free(views *v);
/* Whether LXCFS answered at the last look; `ret_why`, borrowed, says why not. */
bool views_are_up(const views *v, const char **ret_why);
/* Whether this PID 1 was seen with the view of the LXCFS that answers now. */
bool views_has(const views *v, int pid);

#endif
