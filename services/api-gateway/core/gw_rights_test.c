/* Rights by themselves, and the document of the table of routes. */
#include "gw_rights.h"
#include "sot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static gw_target target(const char *app, const char *team, const char *environment)
{
	gw_target t = {.app = ""};
	(void)snprintf(t.app, sizeof(t.app), "%s", app);
	(void)snprintf(t.team, sizeof(t.team), "%s", team);
	(void)snprintf(t.environment, sizeof(t.environment), "%s", environment);
	return t;
}

static void the_highest_role_that_reaches_counts(void **state)
{
	SOT_AUTO(gw_rights)
	r = gw_rights_new(GW_ROLE_VIEWER, SOT_STR("developer|pay||test\noperator||shop|\n"));
	gw_target shop = target("shop", "pay", "prod"), cart = target("cart", "pay", "test");
	gw_target live = target("cart", "pay", "prod"), far = target("x", "y", "test");
	(void)state;
	assert_int_equal(gw_rights_platform(r), GW_ROLE_VIEWER);
	assert_int_equal(gw_rights_anywhere(r), GW_ROLE_OPERATOR);
	assert_int_equal(gw_rights_on(r, &shop), GW_ROLE_OPERATOR);
	assert_int_equal(gw_rights_on(r, &cart), GW_ROLE_DEVELOPER);
	assert_int_equal(gw_rights_on(r, &live), GW_ROLE_VIEWER);
	assert_int_equal(gw_rights_on(r, &far), GW_ROLE_VIEWER);
	assert_true(gw_rights_vary(r));
	assert_false(gw_rights_is_narrowed(r));
}

static void a_token_is_never_more_than_its_account(void **state)
{
	SOT_AUTO(gw_rights) r = gw_rights_new(GW_ROLE_OPERATOR, SOT_STR("admin|pay||"));
	gw_target pay = target("cart", "pay", ""), other = target("x", "y", "");
	gw_target reach = target("", "pay", "");
	(void)state;
	gw_rights_narrow(r, GW_ROLE_DEVELOPER, &reach);
	assert_int_equal(gw_rights_platform(r), GW_ROLE_PUBLIC);
	assert_int_equal(gw_rights_on(r, &pay), GW_ROLE_DEVELOPER);
	assert_int_equal(gw_rights_on(r, &other), GW_ROLE_PUBLIC);
	assert_true(gw_rights_is_narrowed(r));
}

static void a_line_that_cannot_be_read_grants_nothing(void **state)
{
	static const char *const lines[] = {"admin|||", "root|a||", "|a||", "", "admin", "admin|"};
	gw_target a = target("a", "a", "a");
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		SOT_AUTO(gw_rights) r = gw_rights_new(GW_ROLE_PUBLIC, sot_str_c(lines[i]));
		assert_int_equal(gw_rights_on(r, &a), GW_ROLE_PUBLIC);
		assert_int_equal(gw_rights_anywhere(r), GW_ROLE_PUBLIC);
	}
}

static void assert_visible(gw_role role, const char *grants, const char *team, const char *expected)
{
	SOT_AUTO(gw_rights) r = gw_rights_new(role, sot_str_c(grants));
	gw_target reach = target("", team, "");
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 65536);
	gw_rights_narrow(r, GW_ROLE_ADMIN, &reach);
	gw_rights_visible(r, &out);
	assert_string_equal(out.n > 0 ? out.p : "", expected);
}

static void lists_are_cut_to_what_is_seen(void **state)
{
	(void)state;
	assert_visible(GW_ROLE_VIEWER, "", "", "");
	assert_visible(GW_ROLE_ADMIN, "", "pay", "pay||\n");
	assert_visible(GW_ROLE_PUBLIC, "viewer|pay||\ndeveloper|||prod", "", "pay||\n||prod\n");
	assert_visible(GW_ROLE_PUBLIC, "viewer|pay||\ndeveloper|||prod", "web", "web||prod\n");
	assert_visible(GW_ROLE_PUBLIC, "viewer|pay||", "web", "-\n");
	assert_visible(GW_ROLE_PUBLIC, "", "", "-\n");
}

/* ---- docs/rights.md ---- */
static void render(sot_buf *out)
{
	sot_buf_add_c(out, "| call | lowest role | needed on | also agents |\n|---|---|---|---|\n");
	for (size_t i = 0; i < GW_ROUTE_COUNT; i++) {
		const gw_route *r = &gw_routes[i];
		bool any = r->scope == GW_SCOPE_PUBLIC || r->scope == GW_SCOPE_SELF;
		sot_buf_printf(out, "| `%s %s` | %s | %s | %s |\n", r->method, r->pattern,
		    any ? "-" : gw_role_name(r->role), gw_scope_name(r->scope),
		    (r->flags & GW_AGENTS) ? "yes" : "");
	}
}

/* The document's table is the table; SOT_GOLDEN_WRITE=1 writes it anew. */
static void the_document_has_the_table(void **state)
{
	static const char path[] = GATEWAY_SOURCE_DIR "/../../docs/rights.md";
	SOT_AUTO_BUF table, text;
	(void)state;
	sot_buf_init(&table, 1u << 20);
	sot_buf_init(&text, 1u << 20);
	render(&table);
	assert_int_equal(sot_file_read(path, &text, NULL), SOT_OK);
	const char *at = strstr(text.p, "| call | lowest role");
	assert_non_null(at);
	if (getenv("SOT_GOLDEN_WRITE") != NULL) {
		SOT_AUTO_BUF fresh;
		sot_buf_init(&fresh, 1u << 20);
		sot_buf_add(&fresh, text.p, (size_t)(at - text.p));
		sot_buf_add_str(&fresh, sot_buf_str(&table));
		assert_int_equal(sot_file_write(path, sot_buf_str(&fresh), 0644, NULL), SOT_OK);
		return;
	}
	if (strcmp(at, table.p) != 0)
		print_message("docs/rights.md is old: SOT_GOLDEN_WRITE=1 gw_rights_test writes it anew\n");
	assert_string_equal(at, table.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_highest_role_that_reaches_counts),
	    cmocka_unit_test(a_token_is_never_more_than_its_account),
	    cmocka_unit_test(a_line_that_cannot_be_read_grants_nothing),
	    cmocka_unit_test(lists_are_cut_to_what_is_seen),
	    cmocka_unit_test(the_document_has_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
