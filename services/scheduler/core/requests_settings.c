/* Requests about the settings of an app: labels, maintenance, which package versions are kept. Done
 * with the batch that accepts them. */
#include "maintenance.h"
#include "requests.h"
#include "rules.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_NAME_MAX 30
#define LABEL_VALUE_MAX 63

static bool is_value(sot_str s)
{
	for (size_t k = 0; k < s.n; k++) {
		char c = s.p[k];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!plain && !strchr("._/-", c))
			return false;
	}
	return s.n > 0 && s.n <= LABEL_VALUE_MAX;
}

static bool check_labels(const sot_app_set *m, problem *p)
{
	char pointer[32];
	sot_str value, other;

	for (size_t k = 0; k < m->labels_count; k++) {
		sot_str name = sot_str_cut(m->labels[k], '=', &value);
		(void)snprintf(pointer, sizeof(pointer), "/labels/%zu", k);
		if (!sot_is_label(name, LABEL_NAME_MAX) || !is_value(value))
			return problem_set(p, SOT_REFUSAL_INVALID, pointer,
			    "'%.*s' is no label: NAME=VALUE, the name of a-z, 0-9 and '-', the value of "
			    "letters, digits and ._/-",
			    SOT_ARG(m->labels[k]));
		for (size_t j = 0; j < k; j++) {
			if (sot_str_eq(sot_str_cut(m->labels[j], '=', &other), name))
				return problem_set(p, SOT_REFUSAL_INVALID, pointer,
				    "the label '%.*s' is there twice", SOT_ARG(name));
		}
	}
	return true;
}

bool requests_check_windows(const sot_str *windows, size_t count, problem *p)
{
	const char *why;
	char pointer[32];

	for (size_t k = 0; k < count; k++) {
		(void)snprintf(pointer, sizeof(pointer), "/windows/%zu", k);
		if (!maintenance_window_check(windows[k], &why))
			return problem_set(p, SOT_REFUSAL_INVALID, pointer, "'%.*s' is no window: %s",
			    SOT_ARG(windows[k]), why);
	}
	return true;
}

static bool check_maintenance(const sot_app_set *m, problem *p)
{
	char pointer[32];

	if (!requests_check_windows(m->windows, m->windows_count, p))
		return false;
	for (size_t k = 0; k < m->opt_outs_count; k++) {
		(void)snprintf(pointer, sizeof(pointer), "/optOuts/%zu", k);
		if (!sot_is_label(m->opt_outs[k], 30) && !sot_str_eq_c(m->opt_outs[k], "*"))
			return problem_set(p, SOT_REFUSAL_INVALID, pointer,
			    "'%.*s' is no name of a middleware package, and not '*' for all",
			    SOT_ARG(m->opt_outs[k]));
	}
	return true;
}

char *requests_join(const sot_str *words, size_t count, char separator)
{
	SOT_AUTO_BUF out;

	model_text_init(&out);
	for (size_t k = 0; k < count; k++) {
		if (k > 0)
			sot_buf_add_char(&out, separator);
		sot_buf_add_str(&out, words[k]);
	}
	return count > 0 ? sot_strndup(sot_buf_str(&out)) : NULL;
}

static int by_text(const void *a, const void *b)
{
	const sot_str *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int order = memcmp(x->p, y->p, n);

	return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

static char *join_sorted(const sot_str *words, size_t count)
{
	sot_str sorted[16];

	memcpy(sorted, words, count * sizeof(*words)); /* as many as the schema allows */
	qsort(sorted, count, sizeof(*sorted), by_text);
	return requests_join(sorted, count, ',');
}

static void apply(app_settings *s, const sot_app_set *m)
{
	if (m->setting == SOT_APP_SETTING_LABELS) {
		free(s->labels);
		s->labels = m->labels_count > 0 ? join_sorted(m->labels, m->labels_count) : NULL;
	} else if (m->setting == SOT_APP_SETTING_MAINTENANCE) {
		free(s->windows);
		free(s->opt_outs);
		s->windows = requests_join(m->windows, m->windows_count, ';');
		s->opt_outs = requests_join(m->opt_outs, m->opt_outs_count, ',');
	} else {
		s->keep_versions = m->keep_versions;
		s->keep_days = m->keep_days;
	}
}

void on_app_set(void *self, const void *from, const sot_app_set *m)
{
	request *q = self;
	problem p;
	changes ch;
	sot_buf before, after, spec, data;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->name);
	if (!a)
		return;
	if ((m->setting == SOT_APP_SETTING_LABELS && !check_labels(m, &p)) ||
	    (m->setting == SOT_APP_SETTING_MAINTENANCE && !check_maintenance(m, &p))) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&before);
	model_text_init(&after);
	model_text_init(&spec);
	app_settings_json(&a->row.settings, &before);
	apply(&a->row.settings, m);
	app_settings_json(&a->row.settings, &after);
	changes_begin(&ch);
	changes_json(&ch, "settings", before.p, after.p);
	data = changes_end(&ch);
	sot_buf_add_str(&spec, sot_buf_str(&after));
	sot_buf_clear(&before);
	sot_buf_clear(&after);
	touch_app(q->c, a);
	/* app NULL: it is done at once, whatever the app's queue does. */
	operation *o = request_accept(
	    q, &(acceptance){.request_id = m->request_id,
	           .context = &m->context,
	           .kind = (operation_kind)(OPERATION_APP_LABELS + (operation_kind)m->setting),
	           .target = m->name,
	           .resource_id = a->row.id,
	           .spec = &spec});
	o->row.app_id = a->row.id;
	say_event(q->c, "app.updated", a->row.name, a, NULL, o, &data);
	retention_look(q->c, a);
}
