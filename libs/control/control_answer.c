/* The commands of the control socket. */
#include "control.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

static void answer_health(control_health_fn health, void *self, sot_buf *out)
{
	SOT_AUTO_BUF reasons;
	sot_buf_init(&reasons, 65536);
	if (!health || health(self, &reasons)) {
		sot_buf_add_c(out, "ok\n");
		return;
	}
	sot_buf_add_c(out, "failing\n");
	sot_buf_add_str(out, sot_buf_str(&reasons));
	if (reasons.n > 0 && reasons.p[reasons.n - 1] != '\n')
		sot_buf_add_char(out, '\n');
}

static void list_failpoint(void *self, const sot_failpoint *fp)
{
	sot_buf_printf(self, "%s %s\n", fp->name, fp->armed ? "armed" : "off");
}

static void answer_failpoint(sot_str arguments, sot_buf *out)
{
	sot_str rest = arguments;
	sot_str verb = sot_str_cut(rest, ' ', &rest);
	if (sot_str_eq_c(verb, "list") && rest.n == 0) {
		sot_failpoint_each(list_failpoint, out);
		return;
	}
	char name[128], action[64];
	sot_str name_text = sot_str_cut(rest, ' ', &rest);
	sot_err err;
	if (!sot_str_eq_c(verb, "set") || name_text.n == 0 || rest.n == 0)
		sot_buf_add_c(out, "error: say \"failpoint list\" or \"failpoint set NAME ACTION\"\n");
	else if (sot_str_copy(name_text, name, sizeof(name), &err) != SOT_OK ||
	         sot_str_copy(rest, action, sizeof(action), &err) != SOT_OK ||
	         sot_failpoint_set(name, action, &err) != SOT_OK)
		sot_buf_printf(out, "error: %s\n", err.text);
	else
		sot_buf_add_c(out, "ok\n");
}

static void answer_log(const char *service, sot_str arguments, sot_buf *out)
{
	sot_level lowest;
	sot_err err = {0};
	sot_str level = arguments;
	if (!sot_str_eq_c(sot_str_cut(level, ' ', &level), "level")) {
		sot_buf_add_c(out, "error: say \"log level debug\", info, warn or error\n");
		return;
	}
	if (sot_level_parse(level, &lowest, &err) != SOT_OK) {
		sot_buf_printf(out, "error: %s\n", err.text);
		return;
	}
	sot_log_setup(service, lowest);
	sot_buf_add_c(out, "ok\n");
}

void control_answer(
    const char *service, control_health_fn health, void *self, sot_str line, sot_buf *out)
{
	sot_str rest = line;
	sot_str command = sot_str_cut(rest, ' ', &rest);
	if (sot_str_eq_c(line, "metrics"))
		sot_metrics_render(out);
	else if (sot_str_eq_c(line, "health"))
		answer_health(health, self, out);
	else if (sot_str_eq_c(line, "version"))
		sot_buf_printf(out, "sotalia-%s %s\n", service, SOT_VERSION);
	else if (sot_str_eq_c(command, "failpoint"))
		answer_failpoint(rest, out);
	else if (sot_str_eq_c(command, "log"))
		answer_log(service, rest, out);
	else
		sot_buf_printf(out,
		    "error: unknown command; there are metrics, health, version, failpoint list, "
		    "failpoint set NAME ACTION, log level LEVEL\n");
}
