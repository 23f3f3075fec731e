/* What definitions may say, what is refused and where, and what becomes of a value and an event. */
#include "definitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static definitions *parsed(const char *text)
{
	definitions *d = definitions_new();
	sot_err err;
	if (definitions_parse(d, "default.def", definitions_default(), &err) != SOT_OK ||
	    definitions_parse(d, "site.def", sot_str_c(text), &err) != SOT_OK)
		fail_msg("%s", err.text);
	return d;
}

static void assert_shows(const definitions *d, const char *expected, bool is_there)
{
	static char buffer[65536];
	const host_figures f = {.load1_milli = 2500, .memory_available_bytes = 3u << 20};
	const interface_figures links[] = {{.name = "eth0", .drops = 7}, {.name = "eth0.100"}};
	const definition_figures shown = {&f, links, 2};
	cat_heartbeat h;
	sot_str xml;
	cat_heartbeat_begin(&h, buffer, sizeof(buffer));
	definitions_heartbeat(d, FIGURE_HOST, &shown, &h);
	assert_int_equal(cat_heartbeat_end(&h, &xml, NULL), SOT_OK);
	assert_true((memmem(xml.p, xml.n, expected, strlen(expected)) != NULL) == is_there);
}

static void an_operators_file_adds_hides_and_changes_what_is_shown(void **state)
{
	(void)state;
	SOT_AUTO(definitions)
	d = parsed(
	    "# ours\n"
	    "hide host id=LoadAverage\n"
	    "show host group=System id=LoadAverage from=load1_milli divide=500\n"
	    "group host site title=\"of the site\"\n"
	    "show host group=site id=\"site/free kb\" from=memory_available_bytes divide=1024 whole\n");
	assert_shows(d, "<extensionDetail id=\"LoadAverage\" value=\"5.00\"/>", true);
	assert_shows(d, "<extensionDetail id=\"LoadAverage\" value=\"2.50\"/>", false);
	assert_shows(d, "<extension id=\"site\"><description><![CDATA[of the site]]>", true);
	assert_shows(d, "<extensionDetail id=\"site/free kb\" value=\"3072\"/>", true);
}

/* A group is one box: what is added later stands with the rest of it. */
static void what_is_added_to_a_group_stays_with_it(void **state)
{
	(void)state;
	SOT_AUTO(definitions) d = parsed("show host group=System id=late from=load5_milli\n");
	assert_shows(d,
	    "<extensionDetail id=\"FreeSwapSpaceSize\" value=\"0\"/>\n"
	    "<extensionDetail id=\"late\" value=\"0.00\"/>\n</extension>",
	    true);
}

static void interfaces_are_shown_each_in_the_group_of_their_host(void **state)
{
	(void)state;
	SOT_AUTO(definitions)
	d = parsed("hide interface id=host.net.{interface}.drops\n"
	           "show interface group=System id=lost.{interface} from=drops whole\n");
	assert_shows(d,
	    "<extensionDetail id=\"lost.eth0\" value=\"7\"/>\n"
	    "<extensionDetail id=\"lost.eth0.100\" value=\"0\"/>\n</extension>",
	    true);
	assert_shows(d, "host.net.eth0.drops", false);
	assert_shows(d, "<extensionDetail id=\"host.net.eth0.100.rx.kbps\" value=\"0.00\"/>", true);
}

static void every_wrong_line_is_named_by_its_number_and_says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *line, *complaint;
	} wrong[] = {
	    {"nonsense", "a line begins with group, show"},
	    {"show", "lacks its \"source\""},
	    {"show moon id=x", "a source is host, instance"},
	    {"show pool group=g id=x from=used", "a heartbeat is of host"},
	    {"show host id=x from=load1_milli", "lacks the key \"group\""},
	    {"show host group=g id=a:b from=load1_milli", "not \"a:b\""},
	    {"show host group=g id=x from=laod1", "host has no figure \"laod1\""},
	    {"show host group=g id=host.load.1 from=load1_milli", "used once in all groups"},
	    {"show host group=g id=x from=load1_milli divide=0", "a number above 0"},
	    {"show host group=g id=x from=load1_milli divide=2 times=2", "not both"},
	    {"show host group=g id=x from=load1_milli colour=red", "no use for \"colour\""},
	    {"show host group=g id=x from=load1_milli wholly", "no use for \"wholly\""},
	    {"hide host id=never", "nothing shows the id \"never\""},
	    {"group host g title=\"open", "no closing quote"},
	    {"gauge host x from=load1_milli", "a gauge is of platform or pool"},
	    {"gauge pool x from=used", "{pool} is missing"},
	    {"gauge pool ipam.{vlan} from=used", "only {pool}"},
	    {"show interface group=g id=net.{link}.x from=drops", "only {interface}"},
	    {"show interface group=g id=net.drops from=drops", "{interface} is missing"},
	    {"show host group=g id=net.{interface} from=net_drops", "not \"net.{interface}\""},
	    {"show interface group=g id=host.net.{interface}.errs from=errors",
	        "used once in all groups"},
	    {"gauge interface x from=drops", "a gauge is of platform or pool"},
	    {"gauge platform agents.alive from=agents_alive", "there is a gauge already"},
	    {"metric host 1x from=load1_milli help=h", "letters, digits and '_'"},
	    {"metric host sotalia_x from=load1_milli", "lacks the key \"help\""},
	    {"metric instance sotalia_host_load1 from=running help=h", "there is a metric already"},
	    {"metric bridge sotalia_x from=bytes help=h", "there by themselves"},
	    {"event app.created on=moon type=t name=n status=0 data=d", "on= is host"},
	    {"event app.created on=host type=t;u name=n status=0 data=d", "printable ASCII"},
	    {"event app.created on=host type=t name=n status=0 data=@1", "aggregate"},
	    {"event app.created on=host type=t name={n status=0 data=d", "not closed"},
	    {"event app.created if=state on=host type=t name=n status=0 data=d", "FIELD:VALUE"},
	    {"count app.created name=a:b", "not \"a:b\""},
	    {"ignore never.heard", "no rule is of the kind"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char text[400];
		sot_err err = {0};
		SOT_AUTO(definitions) d = definitions_new();
		assert_int_equal(definitions_parse(d, "default.def", definitions_default(), &err), SOT_OK);
		(void)snprintf(text, sizeof(text), "# one\n\n%s\n", wrong[i].line);
		assert_int_equal(definitions_parse(d, "site.def", sot_str_c(text), &err), SOT_INVALID);
		if (strncmp(err.text, "site.def:3: ", 12) != 0 || !strstr(err.text, wrong[i].complaint))
			fail_msg("\"%s\" gave: %s", wrong[i].line, err.text);
	}
}

static sot_str field_of(const void *self, sot_str field)
{
	(void)self;
	if (sot_str_eq_c(field, "new.state"))
		return SOT_STR("lost");
	return sot_str_eq_c(field, "subject") ? SOT_STR("n\xc3\xa9") : (sot_str){NULL, 0};
}

static void rules_hold_when_all_conditions_do_and_fill_fields_in(void **state)
{
	(void)state;
	SOT_AUTO(definitions)
	d = parsed("event x.y if=new.state:lost on=host type=T name=N.{subject} status=1 "
	           "data=\"<{subject}|{none}>\"\n"
	           "event x.y if=new.state:lost if=other:1 on=host type=T name=N status=1 data=\"\"\n");
	size_t count;
	const definition_rule *rules = definitions_rules(d, &count);
	char dst[64];
	assert_true(definition_rule_holds(&rules[count - 2], field_of, NULL));
	assert_false(definition_rule_holds(&rules[count - 1], field_of, NULL));
	sot_str data = definition_fill(rules[count - 2].data, field_of, NULL, dst, sizeof(dst));
	assert_true(sot_str_eq_c(data, "<n\xc3\xa9|>"));
	data = definition_fill(rules[count - 2].data, field_of, NULL, dst, 3); /* no half character */
	assert_true(sot_str_eq_c(data, "<n|") || sot_str_eq_c(data, "<n"));
}

static void rules_of_a_kind_can_be_taken_away(void **state)
{
	(void)state;
	SOT_AUTO(definitions) d = parsed("ignore instance.health\n");
	size_t count;
	const definition_rule *rules = definitions_rules(d, &count);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		assert_string_not_equal(rules[i].kind, "instance.health");
}

/* Every figure can be shown, and each source has some. */
static void every_figure_of_the_catalogue_reads(void **state)
{
	(void)state;
	static const union {
		host_figures host;
		instance_figures instance;
		interface_figures interface;
		bridge_figures bridge;
		platform_figures platform;
		pool_figures pool;
	} zero;
	for (int source = 0; source < FIGURE_SOURCES; source++) {
		const figure *f;
		size_t n = 0;
		for (; (f = figure_nth((figure_source)source, n)); n++) {
			assert_ptr_equal(figure_find((figure_source)source, sot_str_c(figure_name(f))), f);
			assert_true(figure_read(f, &zero) == 0);
		}
		assert_true(n >= 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_operators_file_adds_hides_and_changes_what_is_shown),
	    cmocka_unit_test(what_is_added_to_a_group_stays_with_it),
	    cmocka_unit_test(interfaces_are_shown_each_in_the_group_of_their_host),
	    cmocka_unit_test(every_wrong_line_is_named_by_its_number_and_says_what_is_wrong),
	    cmocka_unit_test(rules_hold_when_all_conditions_do_and_fill_fields_in),
	    cmocka_unit_test(rules_of_a_kind_can_be_taken_away),
	    cmocka_unit_test(every_figure_of_the_catalogue_reads),
	};
	return cmocka_run_group_tests_name("definitions", tests, NULL, NULL);
}
