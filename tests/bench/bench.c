#include "bench.h"

#include "sot_file.h"
#include "sot_mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define JSON_MAX (256u * 1024u)

struct bench {
	char name[64];
	sot_buf figures; /* JSON members */
};

bench *bench_new(const char *name)
{
	bench *b = sot_alloc(sizeof(*b));
	(void)snprintf(b->name, sizeof(b->name), "%s", name);
	sot_buf_init(&b->figures, JSON_MAX);
	return b;
}

bench *bench_free(bench *b)
{
	if (!b)
		return NULL;
	sot_buf_clear(&b->figures);
	free(b);
	return NULL;
}

static void add_number(sot_buf *out, const char *key, double value)
{
	if (value < 0 || !isfinite(value)) {
		sot_buf_printf(out, ", \"%s\": null", key);
	} else {
		sot_buf_printf(out, ", \"%s\": %.3f", key, value);
	}
}

void bench_figure(
    bench *b, const char *id, double value, const char *unit, const char *goal, double peer)
{
	sot_buf *out = &b->figures;
	(void)printf("%s %.3f %s goal %s peer ", id, value, unit, goal ? goal : "-");
	if (peer < 0) {
		(void)printf("-\n");
	} else {
		(void)printf("%.3f\n", peer);
	}
	(void)fflush(stdout);
	sot_buf_add_c(out, out->n > 0 ? ",\n    " : "\n    ");
	sot_buf_add_json(out, sot_str_c(id));
	sot_buf_printf(out, ": {\"value\": %.3f, \"unit\": ", value);
	sot_buf_add_json(out, sot_str_c(unit));
	sot_buf_add_c(out, ", \"goal\": ");
	if (goal) {
		sot_buf_add_json(out, sot_str_c(goal));
	} else {
		sot_buf_add_c(out, "null");
	}
	add_number(out, "peer", peer);
	add_number(out, "ratio", peer > 0 ? value / peer : BENCH_NONE);
	sot_buf_add_char(out, '}');
}

sot_code bench_write(const bench *b, sot_err *err)
{
	const char *folder = getenv("SOT_BENCH_DIR");
	char path[512];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, JSON_MAX + 64);
	if (!folder || !folder[0])
		folder = "build/bench";
	sot_code code = sot_mkdirs(folder, 0755, err);
	if (code != SOT_OK)
		return code;
	int n = snprintf(path, sizeof(path), "%s/%s.json", folder, b->name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return sot_fail(err, SOT_INVALID, "SOT_BENCH_DIR is too long");
	sot_buf_add_c(&text, "{\"figures\": {");
	sot_buf_add_str(&text, sot_buf_str(&b->figures));
	sot_buf_add_c(&text, "\n}}\n");
	if (sot_buf_failed(&text))
		return sot_fail(err, SOT_LIMIT, "too many figures");
	return sot_file_write(path, sot_buf_str(&text), 0644, err);
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec t;
	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t bench_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t bench_cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
