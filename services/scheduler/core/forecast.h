/* forecast - what a change would do, decided against the present state and not done: a JSON object
 * as docs/explain.md describes it, with an etag of what was decided. Private to core/.
 *
 * Everything happens inside a what-if of the placer and is rolled back: no row, no event, no change
 * of memory. The same functions decide as for the real request, so the answer is the same as long
 * as the etag is.
 */
#ifndef SCHEDULER_FORECAST_H
#define SCHEDULER_FORECAST_H

#include "model.h"
#include "requests.h"

#define FORECAST_ETAG 24       /* bytes of an etag with its NUL */
#define FORECAST_LIST_MAX 1000 /* items of a list; the rest is only counted */

typedef struct forecast {
	sot_buf out;
	uint64_t digest;
} forecast;

void forecast_init(forecast *f);
void forecast_clear(forecast *f);
/* What decides: it becomes part of the etag. */
void forecast_note(forecast *f, const void *bytes, size_t n);
void forecast_note_host(forecast *f, const host *h);
void forecast_etag(const forecast *f, char ret[static FORECAST_ETAG]);

/* Members of the object of having `count` instances of the app. Takes what the model knows of the
 * app; it need not be written anywhere. */
void forecast_scale(controller *c, app *a, uint32_t count, forecast *f);
/* How many more of the app fit, at most `max`; then f->out is `null`, or why no more. */
uint32_t forecast_fits(controller *c, app *a, uint32_t max, forecast *f);
/* The same, with the reason in words in `why` (which begins empty). */
uint32_t forecast_room(controller *c, app *a, uint32_t max, sot_buf *why);
/* The hosts on which the next `max` instances of the app would stand, each once; returns how many.
 */
size_t forecast_hosts(controller *c, app *a, uint32_t max, host **ret);
/* Closes the object, with its etag, and replies with it; clears the forecast. */
void forecast_answer(request *q, uint64_t request_id, forecast *f);
/* Whether the request, that the app have `count` instances, is to be carried out. Otherwise it was
 * answered: a dry run, or a forecast that is not true any more. */
bool forecast_goes_on(
    request *q, uint64_t request_id, app *a, uint32_t count, bool dry_run, sot_str if_still_true);

#endif
