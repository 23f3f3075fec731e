/* The placement rules of an app as a value: copies, comparison, the two texts that the database
 * holds. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "sot_parse.h"

placement_row placement_row_default(void)
{
	placement_row row = {.max_unavailable = 1};

	for (int level = 0; level < LEVELS; level++)
		row.spread[level].prefer = true;
	for (int use = 0; use < TAG_USES; use++)
		row.tags[use] = sot_strdup("");
	return row;
}

void placement_row_copy(placement_row *to, const placement_row *from)
{
	size_t count = from->relation_count;

	*to = *from;
	for (int use = 0; use < TAG_USES; use++)
		to->tags[use] = sot_strdup(from->tags[use] ? from->tags[use] : "");
	to->relations = count ? sot_alloc_array(count, sizeof(*to->relations)) : NULL;
	if (count)
		memcpy(to->relations, from->relations, count * sizeof(*to->relations));
}

void placement_row_clear(placement_row *row)
{
	for (int use = 0; use < TAG_USES; use++)
		free(row->tags[use]);
	free(row->relations);
	*row = (placement_row){.workload = SOT_WORKLOAD_SERVICE};
}

static bool relations_are_equal(const placement_row *a, const placement_row *b)
{
	if (a->relation_count != b->relation_count)
		return false;
	for (size_t k = 0; k < a->relation_count; k++) {
		const relation_row *x = &a->relations[k], *y = &b->relations[k];
		if (x->kind != y->kind || x->level != y->level || x->count != y->count ||
		    strcmp(x->app, y->app) != 0)
			return false;
	}
	return true;
}

bool placement_row_eq(const placement_row *a, const placement_row *b)
{
	for (int level = 0; level < LEVELS; level++) {
		const spread_row *x = &a->spread[level], *y = &b->spread[level];
		if (x->prefer != y->prefer || x->max_skew != y->max_skew || x->max_count != y->max_count)
			return false;
	}
	for (int use = 0; use < TAG_USES; use++) {
		if (strcmp(a->tags[use], b->tags[use]) != 0)
			return false;
	}
	return a->workload == b->workload && a->exclusive == b->exclusive &&
	       a->priority == b->priority && a->preemptable == b->preemptable &&
	       a->max_unavailable == b->max_unavailable && relations_are_equal(a, b);
}

bool words_next(sot_str *rest, sot_str *ret_word)
{
	if (rest->n == 0)
		return false;
	*ret_word = sot_str_cut(*rest, ',', rest);
	return true;
}

static void words_json(const char *words, sot_buf *out)
{
	sot_str rest = sot_str_c(words), word;
	bool first = true;

	sot_buf_add_c(out, "[");
	for (; words_next(&rest, &word); first = false) {
		if (!first)
			sot_buf_add_c(out, ",");
		sot_buf_add_json(out, word);
	}
	sot_buf_add_c(out, "]");
}

static void spread_json(const placement_row *row, sot_buf *out)
{
	for (int level = 0; level < LEVELS; level++) {
		const spread_row *s = &row->spread[level];
		sot_buf_add_c(out, level ? ",\"" : "\"");
		sot_buf_add_c(out, sot_spread_level_name((enum sot_spread_level)level));
		sot_buf_add_c(out, s->prefer ? "\":{\"prefer\":true" : "\":{\"prefer\":false");
		row_add_member(out, ",\"maxSkew\":", s->max_skew);
		row_add_member(out, ",\"maxCount\":", s->max_count);
		sot_buf_add_char(out, '}');
	}
}

static void relations_json(const placement_row *row, sot_buf *out)
{
	for (size_t k = 0; k < row->relation_count; k++) {
		const relation_row *r = &row->relations[k];
		sot_buf_printf(
		    out, "%s{\"kind\":\"%s\",\"app\":", k ? "," : "", sot_relation_kind_name(r->kind));
		sot_buf_add_json(out, sot_str_c(r->app));
		sot_buf_printf(
		    out, ",\"level\":\"%s\",\"count\":%u}", sot_spread_level_name(r->level), r->count);
	}
}

void placement_row_json(const placement_row *row, sot_buf *out)
{
	static const char *const uses[] = {"required", "forbidden", "preferred", "tolerated"};

	sot_buf_add_c(out, "{\"workload\":\"");
	sot_buf_add_c(out, sot_workload_name(row->workload));
	row_add_member(out, "\",\"priority\":", row->priority);
	sot_buf_add_c(out, row->preemptable ? ",\"preemptable\":true" : ",\"preemptable\":false");
	row_add_member(out, ",\"maxUnavailable\":", row->max_unavailable);
	sot_buf_add_c(out, ",\"exclusive\":\"");
	sot_buf_add_c(out, sot_exclusive_name(row->exclusive));
	sot_buf_add_c(out, "\",\"spread\":{");
	spread_json(row, out);
	sot_buf_add_c(out, "},\"tags\":{");
	for (int use = 0; use < TAGS_ZONES; use++) {
		sot_buf_add_c(out, use ? ",\"" : "\"");
		sot_buf_add_c(out, uses[use]);
		sot_buf_add_c(out, "\":");
		words_json(row->tags[use], out);
	}
	sot_buf_add_c(out, "},\"zones\":");
	words_json(row->tags[TAGS_ZONES], out);
	sot_buf_add_c(out, ",\"relations\":[");
	relations_json(row, out);
	sot_buf_add_c(out, "]}");
}

/* "apart host 2 shop" */
static sot_code relation_parse(sot_str text, relation_row *ret, sot_err *err)
{
	sot_str rest = text;
	int kind = sot_relation_kind_find(sot_str_cut(rest, ' ', &rest));
	int level = sot_spread_level_find(sot_str_cut(rest, ' ', &rest));
	int64_t count = 0;

	if (kind < 0 || level < 0 ||
	    sot_parse_i64(sot_str_cut(rest, ' ', &rest), 0, UINT32_MAX, &count, NULL) != SOT_OK)
		return sot_fail(err, SOT_INTERNAL, "unknown relation '%.*s'", SOT_ARG(text));
	ret->kind = (enum sot_relation_kind)kind;
	ret->level = (enum sot_spread_level)level;
	ret->count = (uint32_t)count;
	return sot_str_copy(rest, ret->app, sizeof(ret->app), err);
}

sot_code relations_parse(sot_str text, placement_row *row, sot_err *err)
{
	relation_row found[RELATIONS_MAX] = {{.count = 0}};
	sot_str rest = text, one;
	size_t n = 0;
	sot_code code = SOT_OK;

	while (code == SOT_OK && n < RELATIONS_MAX && words_next(&rest, &one))
		code = relation_parse(one, &found[n++], err);
	if (code != SOT_OK)
		return code;
	row->relation_count = n;
	row->relations = n ? sot_alloc_array(n, sizeof(*row->relations)) : NULL;
	if (n)
		memcpy(row->relations, found, n * sizeof(*found));
	return SOT_OK;
}

bool placement_row_is_guarded(const placement_row *row)
{
	bool guarded = row->exclusive != SOT_EXCLUSIVE_NONE;

	for (int level = 0; level < LEVELS; level++)
		guarded |= row->spread[level].max_skew > 0 || row->spread[level].max_count > 0;
	for (size_t k = 0; k < row->relation_count; k++)
		guarded |= row->relations[k].kind == SOT_RELATION_KIND_APART;
	return guarded;
}
