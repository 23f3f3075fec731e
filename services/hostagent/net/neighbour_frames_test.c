/* The frames of the probes byte by byte, and the reading of others'. */
#include "neighbour_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sot_rand.h"

static const uint8_t bridge[6] = {2, 0xfe, 1, 2, 0, 100}, other[6] = {2, 0, 0, 0, 0, 9};
static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [13] = 0xaa, 0xbb, 0xcc};

static sot_ip ip_v6(void)
{
	sot_ip ip = {.family = 6};
	memcpy(ip.b, v6, 16);
	return ip;
}

static void an_arp_probe_names_no_sender_address(void **state)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	static const uint8_t wanted[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0xfe, 1, 2, 0, 100, 8,
	    6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0xfe, 1, 2, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 66, 0,
	    11};
	(void)state;
	assert_int_equal(neighbour_question(sot_ip_from_v4(0x0a42000b), bridge, frame), 60);
	assert_memory_equal(frame, wanted, sizeof(wanted));
	neighbour_claim claim;
	assert_true(neighbour_read(frame, 60, &claim));
	assert_true(claim.is_question && sot_ip_eq(claim.address, sot_ip_from_v4(0x0a42000b)));
	assert_memory_equal(claim.mac, bridge, 6);
}

/* RFC 1071: the sum over the pseudo-header and the message with its check sum is all ones. */
static uint16_t sum_of(const uint8_t *ipv6, size_t size)
{
	uint32_t sum = 58 + (uint32_t)size;
	for (size_t i = 8; i < 40 + size; i++)
		sum += i % 2 == 0 ? (uint32_t)ipv6[i] << 8 : ipv6[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void a_neighbour_solicitation_goes_to_the_group_of_the_address(void **state)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	static const uint8_t group[] = {0x33, 0x33, 0xff, 0xaa, 0xbb, 0xcc};
	(void)state;
	/* 2001:db8::aa:bbcc -> ff02::1:ffaa:bbcc */
	sot_ip ip = ip_v6();
	memcpy(ip.b + 12, (const uint8_t[]){0, 0xaa, 0xbb, 0xcc}, 4);
	assert_int_equal(neighbour_question(ip, bridge, frame), 78);
	assert_memory_equal(frame, group, sizeof(group));
	assert_int_equal(frame[14 + 7], 255);
	assert_int_equal(frame[14 + 40], 135);
	assert_memory_equal(frame + 14 + 37, group + 3, 3);
	assert_int_equal(sum_of(frame + 14, 24), 0xffff);
	neighbour_claim claim;
	assert_true(neighbour_read(frame, 78, &claim));
	assert_true(claim.is_question && sot_ip_eq(claim.address, ip));
}

static void an_arp_reply_and_an_announcement_are_claims(void **state)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	neighbour_claim claim;
	(void)state;
	(void)neighbour_question(sot_ip_from_v4(0x0a420001), bridge, frame);
	memcpy(frame + 22, other, 6);
	memcpy(frame + 28, (const uint8_t[]){10, 66, 0, 11}, 4); /* who-has .1 tell .11 */
	assert_true(neighbour_read(frame, 42, &claim));
	assert_false(claim.is_question);
	assert_true(sot_ip_eq(claim.address, sot_ip_from_v4(0x0a42000b)));
	assert_memory_equal(claim.mac, other, 6);
	frame[21] = 2;
	assert_true(neighbour_read(frame, 42, &claim) && !claim.is_question);
	frame[21] = 3;
	assert_false(neighbour_read(frame, 42, &claim));
	frame[21] = 2;
	memset(frame + 28, 0, 4); /* a reply of nobody */
	assert_false(neighbour_read(frame, 42, &claim));
}

static void an_advertisement_claims_its_target_and_a_solicitation_its_source(void **state)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	neighbour_claim claim;
	(void)state;
	(void)neighbour_question(ip_v6(), other, frame);
	frame[54] = 136;
	assert_true(neighbour_read(frame, 78, &claim));
	assert_false(claim.is_question);
	assert_true(sot_ip_eq(claim.address, ip_v6()));
	assert_memory_equal(claim.mac, other, 6);
	frame[54] = 135;
	frame[14 + 8 + 15] = 7; /* source ::7 */
	assert_true(neighbour_read(frame, 78, &claim));
	assert_true(!claim.is_question && claim.address.b[15] == 7);
	frame[14 + 7] = 254; /* it came over a router */
	assert_false(neighbour_read(frame, 78, &claim));
}

static void frames_that_are_cut_or_random_are_read_without_harm(void **state)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	neighbour_claim claim;
	sot_rand rand;
	(void)state;
	sot_rand_seed(&rand, 1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = sot_rand_below(&rand, sizeof(frame) + 1);
		sot_rand_fill(&rand, frame, sizeof(frame));
		if (i % 2 == 0)
			memcpy(frame + 12, i % 4 == 0 ? "\x08\x06" : "\x86\xdd", 2);
		bool taken = neighbour_read(frame, n, &claim);
		assert_true(!taken || n >= 42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_arp_probe_names_no_sender_address),
	    cmocka_unit_test(a_neighbour_solicitation_goes_to_the_group_of_the_address),
	    cmocka_unit_test(an_arp_reply_and_an_announcement_are_claims),
	    cmocka_unit_test(an_advertisement_claims_its_target_and_a_solicitation_its_source),
	    cmocka_unit_test(frames_that_are_cut_or_random_are_read_without_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
