/* The net record and what is read from it; resolv.conf; vlans.json. */
#include "plan.h"
#include "vlans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const plan_wire wire = {"br100", 1496};
static char digest[33] = "0123456789abcdef0123456789abcdef";
static sot_ip resolvers[2];

/* Written by the agent of foundation. */
static const char version_1[] =
    "{\"version\":1,\"restart_seq\":3,\"package_version\":\"2.0\",\"instance\":\"x\",\"name\":"
    "\"web-1\","
    "\"bridge\":\"br100\",\"vlan\":100,\"address\":\"10.66.0.11\",\"prefix\":24,"
    "\"gateway\":\"10.66.0.1\",\"mac\":\"02:0a:0a:42:00:0b\",\"host_link\":\"sot0a42000b\",\"mtu\":"
    "1500,"
    "\"mounts\":[]}\n";

static sot_instance_spec spec_of(void)
{
	return (sot_instance_spec){.name = SOT_STR("web-1"),
	    .app = SOT_STR("web"),
	    .version = SOT_STR("2.0"),
	    .restart_seq = 3,
	    .vlan_id = 100,
	    .address = sot_ip_from_v4(0x0a42000b),
	    .prefix = 24,
	    .gateway = sot_ip_from_v4(0x0a420001),
	    .mac = {{2, 0x0a, 0x0a, 0x42, 0, 0x0b}}};
}

static char *record_of(const sot_instance_spec *spec)
{
	sot_buf out;
	sot_buf_init(&out, PLAN_RECORD_MAX);
	plan_record(spec, "/s", &wire, &out);
	return out.p;
}

static sot_ip ip_of(const char *text)
{
	sot_ip ip = {0};
	assert_int_equal(sot_ip_parse(sot_str_c(text), &ip, NULL), SOT_OK);
	return ip;
}

static void a_record_holds_all_that_the_runtime_wires(void **state)
{
	sot_instance_spec s = spec_of();
	(void)state;
	s.address_v6 = ip_of("2001:db8::b");
	s.prefix_v6 = 64;
	s.gateway_v6 = ip_of("2001:db8::1");
	s.vrf = 37;
	s.isolated = true;
	s.bandwidth_kbit = 100000;
	s.package_sha256 = (sot_str){digest, 32};
	s.dns_count = 1;
	s.dns = resolvers;
	char *record = record_of(&s);
	assert_string_equal(record,
	    "{\"version\":2,\"restart_seq\":3,\"package_version\":\"2.0\","
	    "\"instance\":\"00000000-0000-0000-0000-000000000000\",\"name\":\"web-1\",\"bridge\":"
	    "\"br100\","
	    "\"vlan\":100,\"vrf\":37,\"address\":\"10.66.0.11\",\"prefix\":24,\"gateway\":\"10.66.0."
	    "1\","
	    "\"address6\":\"2001:db8::b\",\"prefix6\":64,\"gateway6\":\"2001:db8::1\","
	    "\"mac\":\"02:0a:0a:42:00:0b\",\"host_link\":\"sot0a42000bv11\",\"mtu\":1496,\"isolated\":"
	    "true,"
	    "\"bandwidth_kbit\":100000,\"guard\":true,\"mounts\":["
	    "{\"source\":\"/s/packages/"
	    "3031323334353637383961626364656630313233343536373839616263646566\","
	    "\"destination\":\"/data/webapps/web\",\"read_only\":true},"
	    "{\"source\":\"/s/instances/00000000-0000-0000-0000-000000000000/ssh\","
	    "\"destination\":\"/etc/ssh/sotalia\",\"read_only\":true},"
	    "{\"source\":\"/s/instances/00000000-0000-0000-0000-000000000000/logins\","
	    "\"destination\":\"/var/log/sotalia\",\"read_only\":false}],"
	    "\"own_files\":[\"/etc/hosts\",\"/etc/hostname\",\"/etc/resolv.conf\"]}\n");
	free(record);
}

static void the_name_of_a_link_fits_for_every_vrf(void **state)
{
	char name[PLAN_HOST_LINK_MAX];
	sot_instance_spec s = spec_of();
	(void)state;
	s.address = sot_ip_from_v4(0xffffffff);
	assert_string_equal(plan_host_link(&s, name), "sotffffffff");
	s.vrf = 35;
	assert_string_equal(plan_host_link(&s, name), "sotffffffffvz");
	s.vrf = PLAN_VRF_MAX;
	assert_string_equal(plan_host_link(&s, name), "sotffffffffvzzz");
	assert_int_equal(strlen(name), PLAN_HOST_LINK_MAX - 1);
}

static void a_record_of_version_1_needs_no_restart(void **state)
{
	sot_instance_spec s = spec_of();
	(void)state;
	char *record = record_of(&s);
	assert_false(plan_record_needs_restart(version_1, record));
	assert_true(plan_record_holds(version_1, &s));
	assert_int_equal(plan_record_restart_seq(version_1), 3);
	assert_true(sot_str_eq_c(plan_record_version(version_1), "2.0"));
	free(record);
}

static bool restarts(const sot_instance_spec *before, const sot_instance_spec *after)
{
	char *a = record_of(before), *b = record_of(after);
	bool answer = plan_record_needs_restart(a, b);
	free(a);
	free(b);
	return answer;
}

static void only_what_a_process_is_started_with_asks_for_a_restart(void **state)
{
	sot_instance_spec s = spec_of(), t = s;
	(void)state;
	t.mtu = 9000;
	t.isolated = true;
	t.bandwidth_kbit = 5;
	t.dns = resolvers;
	t.dns_count = 2;
	t.memory_bytes = 7;
	assert_false(restarts(&s, &t));
	t = s;
	t.restart_seq++;
	assert_true(restarts(&s, &t));
	t = s;
	t.version = SOT_STR("2.1");
	assert_true(restarts(&s, &t));
	t = s;
	t.package_sha256 = (sot_str){digest, 32};
	assert_true(restarts(&s, &t));
	sot_middleware_spec middleware[2] = {
	    {.name = SOT_STR("jdk"), .version = SOT_STR("17"), .sha256 = {digest, 32}},
	    {.name = SOT_STR("tomcat"), .version = SOT_STR("10"), .sha256 = {digest, 32}}};
	t = s;
	t.middleware = middleware;
	t.middleware_count = 1;
	assert_true(restarts(&s, &t));
	sot_instance_spec u = t;
	u.middleware_count = 2;
	assert_true(restarts(&t, &u));
	assert_false(restarts(&u, &u));
	t = u;
	char other[33] = "0123456789abcdef0123456789abcdeX";
	sot_middleware_spec newer[2] = {middleware[0], middleware[1]};
	newer[1].sha256.p = other;
	t.middleware = newer;
	assert_true(restarts(&t, &u));
	assert_false(plan_packages_equal(&t, &u));
	newer[1].sha256.p = digest;
	newer[1].version = SOT_STR("10.1"); /* the same bytes: nothing to start for */
	assert_false(restarts(&t, &u));
	t = s;
	t.address = sot_ip_from_v4(0x0a42000c);
	assert_true(restarts(&s, &t));
	t = s;
	t.address_v6 = ip_of("2001:db8::b");
	assert_true(restarts(&s, &t));
	t = s;
	t.gateway = sot_ip_from_v4(0x0a4200fe);
	assert_true(restarts(&s, &t));
	t = s;
	t.vlan_id = 101;
	assert_true(restarts(&s, &t));
	t = s;
	t.vrf = 1;
	assert_true(restarts(&s, &t));
}

static void a_value_is_not_taken_for_a_key(void **state)
{
	sot_instance_spec s = spec_of();
	(void)state;
	s.version = SOT_STR("\"address\":\"1.2.3.4\",\\");
	char *record = record_of(&s);
	assert_true(sot_str_eq_c(plan_record_text(record, "address"), "10.66.0.11"));
	assert_true(plan_record_holds(record, &s));
	assert_true(plan_record_text(record, "absent").n == 0);
	for (size_t n = strlen(record); n-- > 0;) { /* a record that was cut is read without harm */
		record[n] = '\0';
		(void)plan_record_holds(record, &s);
		(void)plan_record_needs_restart(record, record);
	}
	free(record);
}

static void a_record_holds_only_the_same_addresses_on_the_same_vlan(void **state)
{
	sot_instance_spec s = spec_of(), t = s;
	(void)state;
	char *record = record_of(&s);
	assert_false(plan_record_holds(NULL, &s));
	t.vlan_id = 101;
	assert_false(plan_record_holds(record, &t));
	t = s;
	t.vrf = 2;
	assert_false(plan_record_holds(record, &t));
	t = s;
	t.address_v6 = ip_of("2001:db8::b");
	assert_false(plan_record_holds(record, &t));
	t = s;
	t.address = sot_ip_from_v4(0x0a42000c);
	assert_false(plan_record_holds(record, &t));
	free(record);
}

static void resolvers_are_written_one_a_line(void **state)
{
	SOT_AUTO_BUF text;
	sot_instance_spec s = spec_of();
	(void)state;
	sot_buf_init(&text, PLAN_RECORD_MAX);
	plan_resolv(&s,
	    SOT_STR("search lan\nnameserver 127.0.0.53\nnameserver  10.9.0.1\noptions edns0"), &text);
	assert_string_equal(text.p, "search lan\nnameserver  10.9.0.1\noptions edns0\n");
	sot_buf_reset(&text);
	plan_resolv(&s, SOT_STR("nameserver ::1\n"), &text);
	assert_string_equal(text.p, PLAN_RESOLV_NONE);
	sot_buf_reset(&text);
	resolvers[0] = ip_of("10.66.0.53");
	resolvers[1] = ip_of("2001:db8::53");
	s.dns = resolvers;
	s.dns_count = 2;
	s.dns_search = SOT_STR("shop.example\nnameserver 6.6.6.6");
	plan_resolv(&s, SOT_STR("nameserver 10.9.0.1\n"), &text);
	assert_string_equal(text.p, "search shop.example nameserver 6.6.6.6\n"
	                            "nameserver 10.66.0.53\nnameserver 2001:db8::53\n");
}

static void need(vlans *v, const uint16_t *ids, size_t count, bool is_other)
{
	SOT_AUTO(desired) d = desired_new();
	sot_instance_spec list[8];
	bool complete = false;
	sot_err err = {0};
	for (size_t i = 0; i < count; i++) {
		list[i] = spec_of();
		list[i].instance_id.b[15] = (uint8_t)i;
		list[i].image = SOT_STR("i");
		list[i].cpu_milli = 10;
		list[i].memory_bytes = 4194304;
		list[i].vlan_id = ids[i];
		list[i].health = (sot_health_spec){
		    .interval_ms = 1000, .timeout_ms = 500, .healthy_after = 1, .unhealthy_after = 1};
	}
	sot_assign m = {
	    .epoch = 1, .generation = 1, .parts = 1, .instances = list, .instances_count = count};
	assert_int_equal(desired_offer(d, &m, &complete, &err), SOT_OK);
	desired_take_staged(d);
	assert_int_equal(vlans_need(v, d), is_other);
}

static void the_vlans_of_the_set_are_written_in_order_and_once(void **state)
{
	SOT_AUTO(vlans) v = vlans_new();
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 4096);
	need(v, (uint16_t[]){200, 100, 0, 100}, 4, true);
	need(v, (uint16_t[]){0, 100, 200}, 3, false);
	vlans_render(v, &text);
	assert_string_equal(text.p, "{\"version\":1,\"vlans\":[0,100,200]}\n");
	const vlan *hundred = vlans_get(v, 100);
	assert_true(vlans_ready(v, 100, "br100", 1500));
	assert_false(vlans_ready(v, 100, "br100", 1500));
	need(v, (uint16_t[]){50, 4094}, 2, true);
	sot_buf_reset(&text);
	vlans_render(v, &text);
	assert_string_equal(text.p, "{\"version\":1,\"vlans\":[50,4094]}\n");
	assert_ptr_equal(vlans_get(v, 100), hundred);
	assert_false(hundred->ready); /* its bridge may be taken away */
	assert_true(vlans_failed(v, 100, "no link"));
	assert_false(vlans_failed(v, 100, "no link"));
	assert_string_equal(hundred->wire.bridge, "br100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_holds_all_that_the_runtime_wires),
	    cmocka_unit_test(the_name_of_a_link_fits_for_every_vrf),
	    cmocka_unit_test(a_record_of_version_1_needs_no_restart),
	    cmocka_unit_test(only_what_a_process_is_started_with_asks_for_a_restart),
	    cmocka_unit_test(a_value_is_not_taken_for_a_key),
	    cmocka_unit_test(a_record_holds_only_the_same_addresses_on_the_same_vlan),
	    cmocka_unit_test(resolvers_are_written_one_a_line),
	    cmocka_unit_test(the_vlans_of_the_set_are_written_in_order_and_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
