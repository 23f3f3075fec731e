/* Every command line of `sotalia` in the documents is one that the program takes: lines of code
 * blocks, and words between backquotes. A mention of a noun, or of a noun and a verb, is enough
 * when nothing follows. "a|b" in an example stands for each of them, [--x] for one with --x. */
#include "cli.h"

#include "sot_file.h"

#include <fcntl.h>
#include <fts.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS_MAX 48
#define FILE_MAX (4u * 1024 * 1024)

typedef struct example {
	char text[1024]; /* the words, each with a NUL behind it */
	size_t text_n;
	char *words[WORDS_MAX + 1];
	bool quoted[WORDS_MAX];
	int count;
} example;

typedef struct tally {
	unsigned mentions, examples, wrong;
} tally;

/* ---- words, as a shell would see them ---- */
static bool ends_example(const char *s)
{
	static const char *const ends[] = {"#", "| ", ">", "<", "&&", "; ", "-->", "->"};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strncmp(s, ends[i], strlen(ends[i])) == 0)
			return true;
	return false;
}

static void put(example *e, char c)
{
	assert_true(e->text_n + 2 < sizeof(e->text));
	e->text[e->text_n++] = c;
}

/* One word; the place behind it. */
static const char *take_word(example *e, const char *s, const char *end)
{
	char quote = '\0';
	assert_true(e->count < WORDS_MAX);
	e->words[e->count] = e->text + e->text_n;
	e->quoted[e->count] = false;
	for (; s < end && (quote != '\0' || (*s != ' ' && *s != '\n')); s++) {
		if (quote == '\0' && (*s == '\'' || *s == '"')) {
			quote = *s;
			e->quoted[e->count] = true;
		} else if (quote != '\0' && *s == quote) {
			quote = '\0';
		} else if (*s == '\\' && s + 1 < end && s[1] == '|') {
			continue; /* of a table in Markdown */
		} else if (quote != '\0' || (*s != '[' && *s != ']')) {
			put(e, *s);
		}
	}
	put(e, '\0');
	e->count++;
	return s;
}

static bool is_ellipsis(const char *word)
{
	return strcmp(word, "...") == 0 || strcmp(word, "…") == 0 || word[0] == '\0';
}

static void read_words(example *e, sot_str line)
{
	const char *s = line.p, *end = line.p + line.n;
	*e = (example){0};
	while (s < end) {
		if (*s == ' ' || *s == '\n' || (*s == '\\' && s + 1 < end && s[1] == '\n')) {
			s++;
			continue;
		}
		if (ends_example(s))
			break;
		s = take_word(e, s, end);
		if (is_ellipsis(e->words[e->count - 1]))
			e->count--;
	}
}

/* ---- one example ---- */
/* Its n-th reading: of "a|b" the n-th. False: there is none. */
static bool reading(const example *e, size_t nth, example *ret)
{
	bool is_new = nth == 0;
	*ret = (example){0};
	for (int i = 0; i < e->count; i++) {
		const char *word = e->words[i], *bar;
		size_t at = 0;
		ret->words[ret->count++] = ret->text + ret->text_n;
		while (!e->quoted[i] && at < nth && (bar = strchr(word, '|')) != NULL) {
			word = bar + 1;
			is_new |= ++at == nth;
		}
		for (; *word != '\0' && (e->quoted[i] || *word != '|'); word++)
			put(ret, *word);
		put(ret, '\0');
	}
	return is_new;
}

static bool is_mention(const example *e)
{
	const char *verb = e->count > 2 ? e->words[2] : NULL;
	if (e->count == 2 && e->words[1][0] == '-')
		return true; /* --help and the like */
	if (e->count < 2 || e->count > 3)
		return e->count < 2;
	const cli_command *c = cli_command_of(e->words[1], verb);
	if (c != NULL)
		return verb == NULL || c->verb != NULL;
	for (size_t i = 0; verb == NULL && i < cli_command_count(); i++)
		if (strcmp(cli_command_at(i)->noun, e->words[1]) == 0)
			return true;
	return false;
}

static void check_example(const char *where, unsigned line_number, sot_str line, tally *t)
{
	example e, one;
	read_words(&e, line);
	for (size_t nth = 0; reading(&e, nth, &one); nth++) {
		cli_call call;
		cli_exit code = CLI_OK;
		if (is_mention(&one)) {
			t->mentions++;
			continue;
		}
		t->examples++;
		if (cli_parse(one.count, one.words, &call, &code) || code == CLI_OK)
			continue;
		t->wrong++;
		print_message("%s:%u: %.*s\n", where, line_number, SOT_ARG(line));
	}
}

/* ---- a document ---- */
static bool begins(sot_str s)
{
	return sot_str_starts(s, "sotalia ") && s.n > 8 && s.p[8] >= 'a' && s.p[8] <= 'z';
}

/* A line of a code block, with those that continue it. */
static void check_block_line(const char *where, unsigned number, sot_str from, tally *t)
{
	size_t n = 0;
	while (from.n > 0 && from.p[0] == ' ') {
		from.p++;
		from.n--;
	}
	if (sot_str_starts(from, "$ ")) {
		from.p += 2;
		from.n -= 2;
	}
	while (n < from.n && (from.p[n] != '\n' || (n > 0 && from.p[n - 1] == '\\')))
		n++;
	if (begins(from))
		check_example(where, number, (sot_str){from.p, n}, t);
}

static void check_quoted(const char *where, unsigned number, sot_str line, tally *t)
{
	for (size_t i = 0; i < line.n; i++) {
		size_t end = i + 1;
		if (line.p[i] != '`')
			continue;
		while (end < line.n && line.p[end] != '`')
			end++;
		sot_str code = {line.p + i + 1, end - i - 1};
		if (begins(code))
			check_example(where, number, code, t);
		i = end;
	}
}

static void check_text(const char *where, sot_str text, tally *t)
{
	bool in_block = false;
	unsigned number = 0;
	for (sot_str rest = text; rest.n > 0;) {
		sot_str here = rest, line = sot_str_cut(rest, '\n', &rest);
		number++;
		if (sot_str_starts(line, "```"))
			in_block = !in_block;
		else if (in_block || sot_str_starts(line, "    "))
			check_block_line(where, number, here, t);
		else
			check_quoted(where, number, line, t);
	}
}

static void check_file(const char *path, tally *t)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, FILE_MAX);
	assert_int_equal(sot_file_read(path, &text, NULL), SOT_OK);
	check_text(path, sot_buf_str(&text), t);
}

static bool is_left_out(const FTSENT *f)
{
	return f->fts_info == FTS_D && f->fts_level > 0 &&
	       (f->fts_name[0] == '.' || strcmp(f->fts_name, "build") == 0 ||
	           strcmp(f->fts_name, "node_modules") == 0);
}

static void every_example_of_the_documents_is_taken(void **state)
{
	char root[] = SOURCE_DIR;
	char *const roots[] = {root, NULL};
	tally t = {0};
	(void)state;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	assert_non_null(tree);
	for (FTSENT *f; (f = fts_read(tree)) != NULL;) {
		size_t n = strlen(f->fts_name);
		if (is_left_out(f))
			(void)fts_set(tree, f, FTS_SKIP);
		else if (f->fts_info == FTS_F && n > 3 && strcmp(f->fts_name + n - 3, ".md") == 0)
			check_file(f->fts_path, &t);
	}
	(void)fts_close(tree);
	print_message("%u examples, %u mentions, %u wrong\n", t.examples, t.mentions, t.wrong);
	assert_int_equal(t.wrong, 0);
	assert_true(t.examples > 120 && t.mentions > 40);
}

static void every_example_of_the_help_is_taken(void **state)
{
	tally t = {0};
	(void)state;
	for (size_t i = 0; i < cli_command_count(); i++) {
		const cli_command *c = cli_command_at(i);
		for (size_t k = 0; c->examples != NULL && c->examples[k] != NULL; k++)
			check_block_line(c->noun, (unsigned)k, sot_str_c(c->examples[k]), &t);
	}
	print_message("%u examples, %u wrong\n", t.examples, t.wrong);
	assert_int_equal(t.wrong, 0);
	assert_true(t.examples > 100);
}

static void wrong_ones_are_found(void **state)
{
	static const struct {
		const char *text;
		unsigned examples, wrong;
	} cases[] = {
	    {"say `sotalia app creat shop --image=tomcat`, then", 1, 1},
	    {"say `sotalia app create shop --image=tomcat`, then", 1, 0},
	    {"`sotalia app create shop --imag=tomcat`", 1, 1},
	    {"`sotalia ap list`", 1, 1},
	    {"`sotalia app scale shop`", 1, 1},
	    {"`sotalia host drain`", 0, 0},
	    {"`sotalia rollout pause|go OPERATION`", 2, 1},
	    {"text\n    sotalia app deploy shop 1 \\\n      --wai   # comment\n", 1, 1},
	    {"```\n$ sotalia exec shop-default-01 -- ls --any | wc\n```\n", 1, 0},
	    {"```\nsotalia app create shop --image=x --command='a | b' > file\n```\n", 1, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tally t = {0};
		check_text("planted", sot_str_c(cases[i].text), &t);
		if (t.examples != cases[i].examples || t.wrong != cases[i].wrong)
			print_message("%s: %u %u\n", cases[i].text, t.examples, t.wrong);
		assert_int_equal(t.examples, cases[i].examples);
		assert_int_equal(t.wrong, cases[i].wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_ones_are_found),
	    cmocka_unit_test(every_example_of_the_help_is_taken),
	    cmocka_unit_test(every_example_of_the_documents_is_taken),
	};
	(void)unsetenv("SOTALIA_CONTEXT"); /* of whoever runs the test */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
