/* The OpenMetrics text. One registry per process, so one test renders all kinds. */
#include "sot_metrics.h"

#include "sot_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_text_groups_families_and_accumulates_buckets(void **state)
{
	(void)state;
	sot_metric *reply = sot_counter("sot_bus_drops_total", "queue=\"reply\"", "Dropped \"now\".");
	sot_metric *depth = sot_gauge("sot_queue_depth", NULL, "Waiting.");
	sot_metric *event = sot_counter("sot_bus_drops_total", "queue=\"event\"", "Dropped.");
	sot_metric *took = sot_histogram_ms("sot_store_commit_ms", "tx=\"a\"", "Commit.");
	sot_metric_add(reply, 3);
	sot_metric_add(event, 4);
	sot_metric_set(depth, -2);
	sot_metric_observe_ms(took, 1);
	sot_metric_observe_ms(took, 6);
	sot_metric_observe_ms(took, 99999);
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 65536);
	sot_metrics_render(&out);
	const char *head =
	    "# TYPE sot_bus_drops counter\n# HELP sot_bus_drops Dropped \\\"now\\\".\n"
	    "sot_bus_drops_total{queue=\"reply\"} 3\nsot_bus_drops_total{queue=\"event\"} 4\n"
	    "# TYPE sot_queue_depth gauge\n# HELP sot_queue_depth Waiting.\nsot_queue_depth -2\n"
	    "# TYPE sot_store_commit_ms histogram\n# HELP sot_store_commit_ms Commit.\n"
	    "sot_store_commit_ms_bucket{tx=\"a\",le=\"1.0\"} 1\n"
	    "sot_store_commit_ms_bucket{tx=\"a\",le=\"2.0\"} 1\n"
	    "sot_store_commit_ms_bucket{tx=\"a\",le=\"5.0\"} 1\n"
	    "sot_store_commit_ms_bucket{tx=\"a\",le=\"10.0\"} 2\n";
	const char *tail =
	    "sot_store_commit_ms_bucket{tx=\"a\",le=\"10000.0\"} 2\n"
	    "sot_store_commit_ms_bucket{tx=\"a\",le=\"+Inf\"} 3\n"
	    "sot_store_commit_ms_sum{tx=\"a\"} 100006\nsot_store_commit_ms_count{tx=\"a\"} 3\n# EOF\n";
	assert_int_equal(strncmp(out.p, head, strlen(head)), 0);
	assert_string_equal(out.p + out.n - strlen(tail), tail);
	assert_true(sot_metric_value(took) == 3);
}

static void the_same_name_and_labels_are_the_same_metric(void **state)
{
	(void)state;
	sot_metric *a = sot_counter("sot_test_same_total", NULL, "x");
	assert_ptr_equal(sot_counter("sot_test_same_total", NULL, "x"), a);
	assert_ptr_not_equal(sot_counter("sot_test_same_total", "k=\"v\"", "x"), a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_text_groups_families_and_accumulates_buckets),
	    cmocka_unit_test(the_same_name_and_labels_are_the_same_metric),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
