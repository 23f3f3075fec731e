/* Which events a reader gets: kinds, app and host, over events as they are sent. */
#include "gw_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define EVENT(kind, app, host, data)                                                               \
	SOT_STR("id: s.7\nevent: " kind "\ndata: {\"sotaliaapp\" : \"" app "\", \"sotaliahost\" : "    \
	        "\"" host "\", \"data\" : " data "}\n\n")

static void each_part_of_a_filter_must_fit(void **state)
{
	static const struct {
		gw_filter filter;
		bool fits;
	} rows[] = {
	    {{.kinds = ""}, true},
	    {{.kinds = "instance.state"}, true},
	    {{.kinds = "app.created,instance.*"}, true},
	    {{.kinds = "instance"}, false},
	    {{.kinds = "instance.stat"}, false},
	    {{.kinds = "instance.state.*"}, false},
	    {{.kinds = "inst*"}, false},
	    {{.kinds = "app.*"}, false},
	    {{.kinds = "*"}, false},
	    {{.app = "shop"}, true},
	    {{.app = "sho"}, false},
	    {{.host = "node1"}, true},
	    {{.host = "node2"}, false},
	    {{.kinds = "instance.*", .app = "shop", .host = "node1"}, true},
	    {{.kinds = "app.*", .app = "shop", .host = "node1"}, false},
	    {{.kinds = "instance.*", .app = "cart", .host = "node1"}, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    gw_filter_fits(&rows[i].filter, EVENT("instance.state", "shop", "node1", "{}")),
		    rows[i].fits);
}

/* A text that only looks like the member, inside of another value, is escaped there. */
static void a_value_is_no_member(void **state)
{
	const gw_filter filter = {.app = "cart"};
	(void)state;
	assert_false(
	    gw_filter_fits(&filter, EVENT("instance.state", "shop", "node1",
	                                "{\"text\" : \"\\\"sotaliaapp\\\" : \\\"cart\\\"\"}")));
}

static void what_is_no_event_fits_only_without_a_filter(void **state)
{
	const gw_filter none = {.kinds = ""}, some = {.kinds = "app.*"};
	(void)state;
	assert_true(gw_filter_fits(&none, SOT_STR("")));
	assert_false(gw_filter_fits(&some, SOT_STR("")));
	assert_false(gw_filter_fits(&some, SOT_STR("id: s.7\nevent")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_part_of_a_filter_must_fit),
	    cmocka_unit_test(a_value_is_no_member),
	    cmocka_unit_test(what_is_no_event_fits_only_without_a_filter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
