/* Questions that change nothing. */
#include "capacity.h"
#include "what_if.h"

void on_what_if(void *self, const void *from, const sot_what_if *m)
{
	request *q = self;
	forecast f;
	problem p;

	(void)from;
	forecast_init(&f);
	if (what_if_json(q->c, m, &f, &p)) {
		forecast_answer(q, m->request_id, &f);
		return;
	}
	forecast_clear(&f);
	request_refuse(q, m->request_id, &p);
}

void on_capacity_read(void *self, const void *from, const sot_capacity_read *m)
{
	request *q = self;
	app *a = NULL;
	sot_buf out;

	(void)from;
	if (m->app.n > 0 && !(a = request_app(q, m->request_id, m->app)))
		return;
	model_text_init(&out);
	capacity_json(q->c, a, &out);
	request_answer(q, m->request_id, SOT_STR(""), &out);
	sot_buf_clear(&out);
}

void on_rebalance_read(void *self, const void *from, const sot_rebalance_read *m)
{
	request *q = self;
	forecast f;

	(void)from;
	forecast_init(&f);
	rebalance_json(q->c, m, &f);
	forecast_answer(q, m->request_id, &f);
}
