/* Blocking work on libuv's thread pool (4 threads by default). */
#include "reactor_internal.h"

#include <stdlib.h>

typedef struct work_item {
	uv_work_t request;
	sot_link link;
	reactor *r;
	reactor_work_fn work, done;
	void *arg;
} work_item;

static void run_work(uv_work_t *request)
{
	work_item *item = request->data;
	item->work(item->arg);
}

static void end_work(uv_work_t *request, int status)
{
	work_item *item = request->data;
	sot_list_remove(&item->link);
	if (status == 0 && !item->r->freeing && item->done)
		item->done(item->arg);
	free(item);
}

void reactor_queue_work(reactor *r, reactor_work_fn work, reactor_work_fn done, void *arg)
{
	work_item *item = sot_alloc(sizeof(*item));
	item->r = r;
	item->work = work;
	item->done = done;
	item->arg = arg;
	item->request.data = item;
	sot_list_push(&r->works, &item->link);
	watch_must(uv_queue_work(r->loop, &item->request, run_work, end_work), "queueing work");
}

void works_cancel(reactor *r)
{
	for (sot_link *l = r->works.next; l != &r->works; l = l->next)
		uv_cancel((uv_req_t *)&SOT_CONTAINER(l, work_item, link)->request);
}
