/* Golden vectors of the wire, and a property: what the encoder writes, an independent reader reads.
 */
#include "cat_bag.h"
#include "cat_codec.h"

#include "cat_read.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char golden_nt1[] = {0x00, 0x00, 0x00, 0x80, 0x4e, 0x54, 0x31, 0x0d, 0x73,
    0x6f, 0x74, 0x61, 0x6c, 0x69, 0x61, 0x2d, 0x61, 0x67, 0x65, 0x6e, 0x74, 0x02, 0x68, 0x31, 0x08,
    0x31, 0x30, 0x2e, 0x31, 0x2e, 0x32, 0x2e, 0x33, 0x03, 0x63, 0x61, 0x74, 0x01, 0x37, 0x04, 0x6d,
    0x61, 0x69, 0x6e, 0x1f, 0x73, 0x6f, 0x74, 0x61, 0x6c, 0x69, 0x61, 0x2d, 0x61, 0x67, 0x65, 0x6e,
    0x74, 0x2d, 0x30, 0x61, 0x30, 0x31, 0x30, 0x32, 0x30, 0x33, 0x2d, 0x34, 0x37, 0x32, 0x32, 0x32,
    0x32, 0x2d, 0x31, 0x00, 0x00, 0x00, 0x74, 0xfb, 0xd0, 0x95, 0xff, 0xbc, 0x31, 0x06, 0x44, 0x65,
    0x70, 0x6c, 0x6f, 0x79, 0x03, 0x77, 0x65, 0x62, 0x45, 0xfb, 0xd0, 0x95, 0xff, 0xbc, 0x31, 0x04,
    0x53, 0x74, 0x65, 0x70, 0x04, 0x70, 0x75, 0x6c, 0x6c, 0x01, 0x30, 0x03, 0x61, 0x09, 0x62, 0x54,
    0x01, 0x30, 0x05, 0x6f, 0x70, 0x3d, 0x34, 0x32, 0xe0, 0xc6, 0x5b};

static const char golden_pt1[] = "\0\0\0\xdf"
                                 "PT1\tsotalia-agent\th1\t10.1.2.3\tcat\t7\tmain\t"
                                 "sotalia-agent-0a010203-472222-1\tnull\tnull\tnull\n"
                                 "t2023-11-15 06:13:20.123\tDeploy\tweb\t\n"
                                 "E2023-11-15 06:13:20.123\tStep\tpull\t0\ta\\tb\t\n"
                                 "T2023-11-15 06:13:21.623\tDeploy\tweb\t0\t1500000us\top=42\t\n";

static const cat_header golden_header = {.domain = {"sotalia-agent", 13},
    .host_name = {"h1", 2},
    .address = {"10.1.2.3", 8},
    .thread_group = {"cat", 3},
    .thread_id = {"7", 1},
    .thread_name = {"main", 4},
    .message_id = {"sotalia-agent-0a010203-472222-1", 31}};
static const cat_message golden_child = {.kind = CAT_EVENT,
    .at_unix_ms = 1700000000123,
    .type = {"Step", 4},
    .name = {"pull", 4},
    .status = {"0", 1},
    .data = {"a\tb", 3}};
static const cat_message golden_root = {.kind = CAT_TRANSACTION,
    .at_unix_ms = 1700000000123,
    .type = {"Deploy", 6},
    .name = {"web", 3},
    .status = {"0", 1},
    .data = {"op=42", 5},
    .duration_us = 1500000,
    .children = &golden_child,
    .child_count = 1};

static char frame[CAT_FRAME_MAX];

static sot_str encode(
    cat_codec codec, const cat_header *header, const cat_message *root, cat_repairs *repairs)
{
	size_t size = 0;
	sot_err err;
	if (cat_encode(codec, header, root, frame, sizeof(frame), &size, repairs, &err) != SOT_OK)
		fail_msg("%s", err.text);
	return (sot_str){frame, size};
}

static bool reads(sot_str got, sot_arena *memory, cat_read_tree *tree)
{
	sot_err err;
	return cat_read_frame(got, memory, tree, &err) == SOT_OK;
}

static void nt1_of_the_reference_tree_is_byte_exact(void **state)
{
	(void)state;
	cat_repairs repairs = {0};
	sot_str got = encode(CAT_NT1, &golden_header, &golden_root, &repairs);
	assert_int_equal(got.n, 132);
	assert_memory_equal(got.p, golden_nt1, sizeof(golden_nt1));
	assert_int_equal(repairs.names_cleaned + repairs.data_guarded, 0);
}

static void pt1_of_the_reference_tree_is_byte_exact_and_in_gmt_plus_8(void **state)
{
	(void)state;
	cat_repairs repairs = {0};
	setenv("TZ", "America/New_York", 1);
	sot_str got = encode(CAT_PT1, &golden_header, &golden_root, &repairs);
	unsetenv("TZ");
	assert_int_equal(got.n, sizeof(golden_pt1) - 1);
	assert_memory_equal(got.p, golden_pt1, got.n);
}

/* One of each kind as a root; header and length are those of the reference tree's form. */
static const struct golden_kind {
	cat_message message;
	const char *nt1;
	size_t nt1_n;
	const char *pt1;
} golden_kinds[] = {
#define AT_NT1 "\xfb\xd0\x95\xff\xbc\x31"
#define AT_PT1 "2023-11-15 06:13:20.123\t"
#define KIND(letter_nt1, nt1_rest, pt1_line, ...)                                                  \
	{                                                                                              \
		{.at_unix_ms = 1700000000123, __VA_ARGS__}, letter_nt1 AT_NT1 nt1_rest,                    \
		    sizeof(letter_nt1 AT_NT1 nt1_rest) - 1, pt1_line                                       \
	}
    KIND("H",
        "\x09Heartbeat\x08"
        "10.1.2.3\x01"
        "0\x09<status/>",
        "H" AT_PT1 "Heartbeat\t10.1.2.3\t0\t<status/>\t\n", .kind = CAT_HEARTBEAT,
        .type = {"Heartbeat", 9}, .name = {"10.1.2.3", 8}, .status = {"0", 1},
        .data = {"<status/>", 9}),
    KIND("M",
        "\x00\x09"
        "deploy.ok\x01"
        "C\x01"
        "1",
        "M" AT_PT1 "\tdeploy.ok\tC\t1\t\n", .kind = CAT_METRIC, .name = {"deploy.ok", 9},
        .status = {"C", 1}, .data = {"1", 1}),
    KIND("E",
        "\x05"
        "Error\x09"
        "AgentLost\x01"
        "1\x03"
        "a\\b",
        "E" AT_PT1 "Error\tAgentLost\t1\ta\\\\b\t\n", .kind = CAT_EVENT, .type = {"Error", 5},
        .name = {"AgentLost", 9}, .status = {"1", 1}, .data = {"a\\b", 3}),
    KIND("L",
        "\x05TRACE\x02on\x01"
        "0\x00",
        "L" AT_PT1 "TRACE\ton\t0\t\t\n", .kind = CAT_TRACE, .type = {"TRACE", 5}, .name = {"on", 2},
        .status = {"0", 1}),
    /* NT1 knows no leaf of one piece. */
    KIND("t",
        "\x03SQL\x06"
        "COMMITT\x07timeout\x00\xac\x02",
        "A" AT_PT1 "SQL\tCOMMIT\ttimeout\t300us\t\t\n", .kind = CAT_TRANSACTION, .type = {"SQL", 3},
        .name = {"COMMIT", 6}, .status = {"timeout", 7}, .duration_us = 300),
};

static void assert_frame(sot_str got, sot_str header, const char *message, size_t n)
{
	size_t body = header.n + n;
	assert_int_equal(got.n, 4 + body);
	const uint8_t length[] = {0, 0, (uint8_t)(body >> 8), (uint8_t)body};
	assert_memory_equal(got.p, length, sizeof(length));
	assert_memory_equal(got.p + 4, header.p, header.n);
	assert_memory_equal(got.p + 4 + header.n, message, n);
}

static void every_kind_is_byte_exact_in_both_codecs(void **state)
{
	(void)state;
	const sot_str nt1 = {(const char *)golden_nt1 + 4, 75};
	const sot_str pt1 = {
	    golden_pt1 + 4, (size_t)(strchr(golden_pt1 + 4, '\n') + 1 - (golden_pt1 + 4))};
	cat_repairs repairs = {0};
	for (size_t i = 0; i < sizeof(golden_kinds) / sizeof(*golden_kinds); i++) {
		const struct golden_kind *g = &golden_kinds[i];
		assert_frame(encode(CAT_NT1, &golden_header, &g->message, &repairs), nt1, g->nt1, g->nt1_n);
		assert_frame(
		    encode(CAT_PT1, &golden_header, &g->message, &repairs), pt1, g->pt1, strlen(g->pt1));
	}
	assert_int_equal(repairs.names_cleaned + repairs.data_guarded + repairs.statuses_cut, 0);
}

static void names_are_cleaned_and_plain_data_never_looks_aggregated(void **state)
{
	(void)state;
	sot_arena *memory = sot_arena_new(1 << 20);
	cat_read_tree tree;
	cat_repairs repairs = {0};
	cat_message m = golden_child;
	m.type = SOT_STR("a;b\tc\xc3\xa9");
	m.data = SOT_STR("@3;1");
	assert_true(reads(encode(CAT_NT1, &golden_header, &m, &repairs), memory, &tree));
	assert_true(sot_str_eq_c(tree.messages[0].type, "a.b.c.."));
	assert_true(sot_str_eq_c(tree.messages[0].data, " @3;1"));
	assert_int_equal(repairs.names_cleaned, 1);
	assert_int_equal(repairs.data_guarded, 1);
	m.data_is_aggregate = true;
	assert_true(reads(encode(CAT_PT1, &golden_header, &m, &repairs), memory, &tree));
	assert_true(sot_str_eq_c(tree.messages[0].data, "@3;1"));
	sot_arena_free(memory);
}

static void a_frame_of_64_kb_is_refused_and_nothing_is_returned(void **state)
{
	(void)state;
	static char data[CAT_FRAME_MAX];
	size_t size = 77;
	sot_err err;
	cat_repairs repairs = {0};
	memset(data, 'x', sizeof(data));
	cat_message m = golden_child;
	m.data = (sot_str){data, sizeof(data)};
	sot_code code =
	    cat_encode(CAT_NT1, &golden_header, &m, frame, sizeof(frame), &size, &repairs, &err);
	assert_int_equal(code, SOT_LIMIT);
	assert_int_equal(size, 77);
}

static void a_tree_that_is_too_deep_or_hangs_on_an_event_is_refused(void **state)
{
	(void)state;
	cat_message chain[CAT_DEPTH_MAX + 1];
	size_t size;
	cat_repairs repairs = {0};
	sot_err err;
	for (size_t i = 0; i <= CAT_DEPTH_MAX; i++) {
		chain[i] = golden_root;
		chain[i].children = i < CAT_DEPTH_MAX ? &chain[i + 1] : NULL;
		chain[i].child_count = i < CAT_DEPTH_MAX;
	}
	assert_int_equal(
	    cat_encode(CAT_NT1, &golden_header, &chain[0], frame, sizeof(frame), &size, &repairs, &err),
	    SOT_INVALID);
	assert_int_equal(
	    cat_encode(CAT_NT1, &golden_header, &chain[1], frame, sizeof(frame), &size, &repairs, &err),
	    SOT_OK);
	cat_message parent = golden_child;
	parent.children = &golden_child;
	parent.child_count = 1;
	assert_int_equal(
	    cat_encode(CAT_NT1, &golden_header, &parent, frame, sizeof(frame), &size, &repairs, &err),
	    SOT_INVALID);
}

/* ---- property ---- */

typedef struct random_tree {
	cat_message messages[64];
	size_t used;
	char text[64 * 4][48];
	size_t texts;
} random_tree;

static sot_str random_text(random_tree *t, sot_rand *r, bool is_name)
{
	static const char wild[] = "ab \t\n\r\\:@\"<>&\x01\xe4\xb8\xad";
	static const char tame[] = "abcXYZ019 .-_/:\\";
	size_t n = (size_t)sot_rand_below(r, 48);
	char *dst = t->text[t->texts++];
	for (size_t i = 0; i < n; i++) {
		dst[i] = is_name ? tame[sot_rand_below(r, sizeof(tame) - 1)]
		                 : wild[sot_rand_below(r, sizeof(wild) - 1)];
	}
	if (!is_name && n > 0 && dst[0] == '@')
		dst[0] = '!';
	return (sot_str){dst, n};
}

/* Children take a run of slots first, so that they lie side by side. */
static void random_message(random_tree *t, size_t at, sot_rand *r, unsigned depth)
{
	cat_message *m = &t->messages[at];
	bool may_branch = depth < 5 && t->used < 56;
	*m = (cat_message){.kind = (cat_kind)sot_rand_below(r, may_branch ? 5 : 4)};
	if (!may_branch)
		m->kind = (cat_kind)(m->kind + 1);
	m->at_unix_ms = (int64_t)sot_rand_below(r, UINT64_C(4000000000000));
	m->type = random_text(t, r, true);
	m->name = random_text(t, r, true);
	m->status = random_text(t, r, false);
	m->data = random_text(t, r, false);
	if (m->kind != CAT_TRANSACTION)
		return;
	m->duration_us = sot_rand_u64(r) >> (14 + sot_rand_below(r, 50));
	m->child_count = (size_t)sot_rand_below(r, 4);
	size_t first = t->used;
	t->used += m->child_count;
	m->children = &t->messages[first];
	for (size_t i = 0; i < m->child_count; i++)
		random_message(t, first + i, r, depth + 1);
}

static void assert_same(const cat_message *m, const cat_read_tree *tree, size_t *at, unsigned depth)
{
	static const char letters[] = "AEHML";
	const cat_read_message *got = &tree->messages[(*at)++];
	assert_int_equal(got->letter, letters[m->kind]);
	assert_int_equal(got->depth, depth);
	assert_true(got->at_unix_ms == m->at_unix_ms);
	assert_true(got->duration_us == m->duration_us);
	assert_true(sot_str_eq(got->type, m->type) && sot_str_eq(got->name, m->name));
	assert_true(sot_str_eq(got->status, m->status) && sot_str_eq(got->data, m->data));
	for (size_t i = 0; i < m->child_count; i++)
		assert_same(&m->children[i], tree, at, depth + 1);
}

static uint64_t seed_of_run(void)
{
	const char *text = getenv("SOT_SEED");
	uint64_t seed;
	sot_rand_bytes(&seed, sizeof(seed));
	if (text)
		assert_int_equal(sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	return seed;
}

static void random_trees_come_back_the_same_in_both_codecs(void **state)
{
	(void)state;
	uint64_t seed = seed_of_run();
	printf("SOT_SEED=%llu\n", (unsigned long long)seed);
	sot_rand r;
	sot_rand_seed(&r, seed);
	sot_arena *memory = sot_arena_new(1 << 20);
	static random_tree t;
	static cat_read_tree tree;
	for (int round = 0; round < 3000; round++) {
		cat_repairs repairs = {0};
		size_t at = 0;
		t.used = 1;
		t.texts = 0;
		random_message(&t, 0, &r, 0);
		cat_codec codec = (cat_codec)(round % 2);
		sot_arena_reset(memory);
		assert_true(reads(encode(codec, &golden_header, &t.messages[0], &repairs), memory, &tree));
		assert_true(sot_str_eq_c(tree.header[0], "sotalia-agent"));
		assert_int_equal(tree.header[7].n, 0);
		assert_same(&t.messages[0], &tree, &at, 0);
		assert_int_equal(at, tree.count);
	}
	sot_arena_free(memory);
}

/* A stream of frames, cut anywhere into pieces, gives the same trees; an end inside a frame gives
 * all before it. */
static void a_stream_in_any_pieces_gives_every_frame_and_never_half_a_one(void **state)
{
	(void)state;
	sot_rand r;
	sot_arena *memory = sot_arena_new(8 << 20);
	static random_tree t;
	static char stream[1 << 20];
	size_t n = 0, frames = 0;
	sot_rand_seed(&r, 5);
	for (; frames < 200; frames++) {
		cat_repairs repairs = {0};
		t.used = 1;
		t.texts = 0;
		random_message(&t, 0, &r, 0);
		sot_str one = encode((cat_codec)(frames % 2), &golden_header, &t.messages[0], &repairs);
		memcpy(stream + n, one.p, one.n);
		n += one.n;
	}
	for (int round = 0; round < 50; round++) {
		size_t end = round == 0 ? n : (size_t)sot_rand_below(&r, n), have = 0, at = 0, read = 0;
		while (have < end) {
			have += 1 + (size_t)sot_rand_below(&r, 3000);
			have = have < end ? have : end;
			for (;;) {
				size_t size;
				cat_read_tree tree;
				sot_arena_reset(memory);
				assert_int_equal(
				    cat_read_frame_size((sot_str){stream + at, have - at}, &size, NULL), SOT_OK);
				if (size == 0)
					break;
				assert_true(reads((sot_str){stream + at, size}, memory, &tree));
				at += size;
				read++;
			}
		}
		assert_true(end < n ? read < frames : read == frames);
	}
	sot_arena_free(memory);
}

/* 40 KB of text that is not ASCII, and the deepest tree that is allowed. */
static void long_data_and_deep_trees_come_back_the_same_in_both_codecs(void **state)
{
	(void)state;
	static char data[40000];
	static cat_message chain[CAT_DEPTH_MAX];
	sot_arena *memory = sot_arena_new(4 << 20);
	for (size_t i = 0; i + 3 <= sizeof(data); i += 3)
		memcpy(data + i, "\xe4\xb8\xad", 3);
	for (size_t i = 0; i < CAT_DEPTH_MAX; i++) {
		chain[i] = golden_root;
		chain[i].children = i + 1 < CAT_DEPTH_MAX ? &chain[i + 1] : NULL;
		chain[i].child_count = i + 1 < CAT_DEPTH_MAX;
	}
	chain[CAT_DEPTH_MAX - 1].data = (sot_str){data, sizeof(data) - 1};
	for (int codec = 0; codec < 2; codec++) {
		cat_repairs repairs = {0};
		cat_read_tree tree;
		size_t at = 0;
		assert_true(
		    reads(encode((cat_codec)codec, &golden_header, &chain[0], &repairs), memory, &tree));
		assert_same(&chain[0], &tree, &at, 0);
		assert_int_equal(tree.count, CAT_DEPTH_MAX);
	}
	sot_arena_free(memory);
}

static const unsigned char golden_nm1[] = {0x00, 0x00, 0x00, 0x3c, 0x4e, 0x4d, 0x31, 0x01, 0x64,
    0x02, 0x68, 0x31, 0x08, 0x31, 0x30, 0x2e, 0x31, 0x2e, 0x32, 0x2e, 0x33, 0x02, 0xfb, 0xd0, 0x95,
    0xff, 0xbc, 0x31, 0x02, 0x6f, 0x6b, 0x05, 0x43, 0x4f, 0x55, 0x4e, 0x54, 0xac, 0x02, 0x00, 0x00,
    0xfb, 0xd0, 0x95, 0xff, 0xbc, 0x31, 0x01, 0x67, 0x03, 0x53, 0x55, 0x4d, 0x01, 0x80, 0x80, 0x80,
    0x80, 0x80, 0x80, 0x80, 0x81, 0x40, 0x00};

/* domain d, host h1, 10.1.2.3: COUNT "ok" 300 and SUM "g" 2.25 (0x4002000000000000), written out by
 * hand from the description of the wire. */
static void nm1_of_the_reference_bag_is_byte_exact_and_reads_back(void **state)
{
	(void)state;
	cat_repairs repairs = {0};
	size_t size = 0;
	sot_err err;
	cat_read_tree tree;
	sot_arena *memory = sot_arena_new(1 << 20);
	cat_header header = golden_header;
	header.domain = SOT_STR("d");
	const cat_bag_metric metrics[] = {{1700000000123, SOT_STR("ok"), true, 300, 300},
	    {1700000000123, SOT_STR("g"), false, 1, 2.25}};
	assert_int_equal(
	    cat_bag_encode(&header, metrics, 2, frame, sizeof(frame), &size, &repairs, &err), SOT_OK);
	assert_int_equal(size, sizeof(golden_nm1));
	assert_memory_equal(frame, golden_nm1, size);
	assert_true(reads((sot_str){frame, size}, memory, &tree));
	assert_int_equal(tree.metric_count, 2);
	assert_true(tree.metrics[0].count == 300 && sot_str_eq_c(tree.metrics[0].kind, "COUNT"));
	assert_true(tree.metrics[1].sum == 2.25 && sot_str_eq_c(tree.metrics[1].kind, "SUM"));
	sot_arena_free(memory);
}

/* A length byte 0xff would be taken for "no text" by the server. */
static void no_text_of_a_bag_has_a_length_that_begins_with_ff(void **state)
{
	(void)state;
	char name[256];
	cat_repairs repairs = {0};
	size_t size = 0;
	cat_read_tree tree;
	sot_arena *memory = sot_arena_new(1 << 20);
	memset(name, 'n', sizeof(name));
	for (size_t n = 120; n <= sizeof(name); n++) {
		const cat_bag_metric metric = {1700000000123, {name, n}, true, 1, 1};
		assert_int_equal(
		    cat_bag_encode(&golden_header, &metric, 1, frame, sizeof(frame), &size, &repairs, NULL),
		    SOT_OK);
		assert_true(reads((sot_str){frame, size}, memory, &tree));
		size_t got = tree.metrics[0].name.n;
		assert_true(got < 128 || got % 128 != 127);
		assert_true(got == n || got + 1 == n);
	}
	assert_int_equal(repairs.names_cleaned, 1);
	sot_arena_free(memory);
}

static void a_damaged_frame_is_told_apart_by_the_reader(void **state)
{
	(void)state;
	cat_repairs repairs = {0};
	sot_arena *memory = sot_arena_new(1 << 20);
	cat_read_tree tree;
	sot_str got = encode(CAT_NT1, &golden_header, &golden_root, &repairs);
	assert_false(reads((sot_str){got.p, got.n - 1}, memory, &tree));
	frame[80] = 'X'; /* the letter of the root */
	assert_false(reads(got, memory, &tree));
	sot_arena_free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nt1_of_the_reference_tree_is_byte_exact),
	    cmocka_unit_test(pt1_of_the_reference_tree_is_byte_exact_and_in_gmt_plus_8),
	    cmocka_unit_test(every_kind_is_byte_exact_in_both_codecs),
	    cmocka_unit_test(names_are_cleaned_and_plain_data_never_looks_aggregated),
	    cmocka_unit_test(a_frame_of_64_kb_is_refused_and_nothing_is_returned),
	    cmocka_unit_test(a_tree_that_is_too_deep_or_hangs_on_an_event_is_refused),
	    cmocka_unit_test(random_trees_come_back_the_same_in_both_codecs),
	    cmocka_unit_test(a_stream_in_any_pieces_gives_every_frame_and_never_half_a_one),
	    cmocka_unit_test(long_data_and_deep_trees_come_back_the_same_in_both_codecs),
	    cmocka_unit_test(nm1_of_the_reference_bag_is_byte_exact_and_reads_back),
	    cmocka_unit_test(no_text_of_a_bag_has_a_length_that_begins_with_ff),
	    cmocka_unit_test(a_damaged_frame_is_told_apart_by_the_reader),
	};
	return cmocka_run_group_tests_name("cat_codec", tests, NULL, NULL);
}
