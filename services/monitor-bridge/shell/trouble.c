#include "shell/trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 240

typedef struct trouble {
	sot_wall at;
	char text[TEXT_MAX];
	unsigned times;
} trouble;

static trouble ring[TROUBLE_KEPT];
static size_t noted; /* ever; the newest lies at (noted - 1) % TROUBLE_KEPT */

void trouble_note(sot_wall now, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trouble *last = noted > 0 ? &ring[(noted - 1) % TROUBLE_KEPT] : NULL;
	if (!last || strcmp(last->text, text) != 0) {
		last = &ring[noted++ % TROUBLE_KEPT];
		last->times = 0;
		memcpy(last->text, text, sizeof(text));
	}
	last->at = now;
	last->times++;
}

void trouble_render(sot_buf *out)
{
	size_t count = noted < TROUBLE_KEPT ? noted : TROUBLE_KEPT;
	char at[25];
	sot_buf_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		const trouble *t = &ring[(noted - 1 - i) % TROUBLE_KEPT];
		sot_buf_printf(out, "%s{\"at\":\"%s\",\"times\":%u,\"text\":", i > 0 ? "," : "",
		    sot_wall_format(t->at, at), t->times);
		sot_buf_add_json(out, sot_str_c(t->text));
		sot_buf_add_char(out, '}');
	}
	sot_buf_add_char(out, ']');
}
