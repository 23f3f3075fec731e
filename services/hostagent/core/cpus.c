#include "cpus.h"

#include <string.h>

#include "sot_parse.h"

enum { WORD = 64, WORDS = CPUS_MAX / WORD, MILLI = 1000 };

bool cpus_has(const cpus *set, unsigned cpu)
{
	return cpu < CPUS_MAX && (set->bits[cpu / WORD] >> (cpu % WORD) & 1) != 0;
}

void cpus_add(cpus *set, unsigned cpu)
{
	if (cpu < CPUS_MAX)
		set->bits[cpu / WORD] |= (uint64_t)1 << (cpu % WORD);
}

size_t cpus_count(const cpus *set)
{
	size_t n = 0;
	for (size_t i = 0; i < WORDS; i++)
		n += (size_t)__builtin_popcountll(set->bits[i]);
	return n;
}

bool cpus_equal(const cpus *a, const cpus *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool cpus_within(const cpus *set, const cpus *all)
{
	for (size_t i = 0; i < WORDS; i++)
		if (set->bits[i] & ~all->bits[i])
			return false;
	return true;
}

static sot_code add_range(cpus *set, sot_str item, sot_err *err)
{
	sot_str last;
	sot_str first = sot_str_cut(item, '-', &last);
	uint64_t from = 0, to = 0;
	sot_code code = sot_parse_u64(first, 0, CPUS_MAX - 1, &from, err);
	to = from;
	if (code == SOT_OK && first.n < item.n)
		code = sot_parse_u64(last, from, CPUS_MAX - 1, &to, err);
	for (; code == SOT_OK && from <= to; from++)
		cpus_add(set, (unsigned)from);
	return code;
}

sot_code cpus_parse(sot_str text, cpus *ret, sot_err *err)
{
	cpus set = {{0}};
	sot_str rest = text;
	while (rest.n > 0) {
		sot_code code = add_range(&set, sot_str_cut(rest, ',', &rest), err);
		if (code != SOT_OK)
			return sot_wrap(err, "processors '%.*s'", (int)(text.n < 80 ? text.n : 80), text.p);
	}
	*ret = set;
	return SOT_OK;
}

void cpus_format(const cpus *set, sot_buf *out)
{
	const char *before = "";
	for (unsigned first = 0; first < CPUS_MAX; first++) {
		unsigned last = first;
		if (!cpus_has(set, first))
			continue;
		while (cpus_has(set, last + 1))
			last++;
		if (last == first)
			sot_buf_printf(out, "%s%u", before, first);
		else
			sot_buf_printf(out, "%s%u-%u", before, first, last);
		before = ",";
		first = last;
	}
}

size_t cpus_needed(uint32_t cpu_milli, const cpus *all)
{
	size_t whole = ((size_t)cpu_milli + MILLI - 1) / MILLI, most = cpus_count(all);
	whole = whole > 0 ? whole : 1;
	return whole < most ? whole : most;
}

void cpus_load_add(cpus_load *load, const cpus *set, uint32_t cpu_milli)
{
	size_t n = cpus_count(set);
	if (n == 0)
		return;
	uint32_t each = (uint32_t)((cpu_milli + n - 1) / n);
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		if (cpus_has(set, cpu))
			load->milli[cpu] += each;
}

void cpus_choose(const cpus_load *load, const cpus *all, size_t count, cpus *ret)
{
	cpus chosen = {{0}};
	for (; count > 0; count--) {
		unsigned best = CPUS_MAX;
		for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
			if (cpus_has(all, cpu) && !cpus_has(&chosen, cpu) &&
			    (best == CPUS_MAX || load->milli[cpu] < load->milli[best]))
				best = cpu;
		if (best == CPUS_MAX)
			break;
		cpus_add(&chosen, best);
	}
	*ret = chosen;
}
