/* Failpoints: the registry is the linker section, arming is rare, so walking it is fine. */
#include "sot_failpoint.h"

#include "sot_parse.h"
#include "sot_str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef enum action { ACTION_CRASH, ACTION_ERROR, ACTION_DELAY, ACTION_HANG } action;

/* Weak: a program without any failpoint has no such section. */
extern sot_failpoint *const __start_sot_failpoints[] __attribute__((weak));
extern sot_failpoint *const __stop_sot_failpoints[] __attribute__((weak));

static void wait_ms(int ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

sot_code sot_failpoint_fire(sot_failpoint *fp, sot_err *err)
{
	fp->hits++;
	if (fp->action == ACTION_DELAY) {
		wait_ms(fp->arg);
		return SOT_OK;
	}
	if (fp->hits != fp->arg)
		return SOT_OK;
	if (fp->action == ACTION_CRASH) {
		/* So that a test can tell this death from another one. */
		(void)dprintf(STDERR_FILENO, "failpoint %s: crash\n", fp->name);
		(void)raise(SIGKILL);
	}
	while (fp->action == ACTION_HANG)
		(void)pause();
	fp->armed = 0;
	return sot_fail(err, SOT_UNAVAILABLE, "failpoint %s", fp->name);
}

static sot_code parse_action(sot_str text, sot_failpoint *ret, sot_err *err)
{
	static const char *const names[] = {"crash", "error", "delay", "hang"};
	sot_str number;
	sot_str word = sot_str_cut(text, ':', &number);
	bool has_number = word.n < text.n;
	if (sot_str_eq_c(word, "off") && !has_number) {
		*ret = (sot_failpoint){.armed = 0};
		return SOT_OK;
	}
	for (int i = 0; i < 4; i++) {
		uint64_t arg = i == ACTION_DELAY ? 100 : 1;
		if (!sot_str_eq_c(word, names[i]))
			continue;
		if (has_number && sot_parse_u64(number, 1, 1000000000, &arg, err) != SOT_OK)
			return sot_wrap(err, "failpoint action %s", names[i]);
		*ret = (sot_failpoint){.armed = 1, .action = i, .arg = (int)arg};
		return SOT_OK;
	}
	return sot_fail(err, SOT_INVALID,
	    "\"%.*s\" is no failpoint action; use crash[:N], error[:N], delay[:MS], hang[:N] or off",
	    SOT_ARG(text));
}

static sot_code set(sot_str name, sot_str action_text, sot_err *err)
{
	sot_failpoint wanted;
	sot_code code = parse_action(action_text, &wanted, err);
	if (code != SOT_OK)
		return code;
	size_t found = 0;
	for (sot_failpoint *const *p = __start_sot_failpoints; p < __stop_sot_failpoints; p++) {
		if (!sot_str_eq_c(name, (*p)->name))
			continue;
		wanted.name = (*p)->name;
		**p = wanted;
		found++;
	}
	if (found == 0)
		return sot_fail(err, SOT_NOT_FOUND,
		    "no failpoint \"%.*s\" in this program; --list-failpoints prints them", SOT_ARG(name));
	return SOT_OK;
}

sot_code sot_failpoint_set(const char *name, const char *action_text, sot_err *err)
{
	return set(sot_str_c(name), sot_str_c(action_text), err);
}

void sot_failpoint_setup(void)
{
	sot_str rest = sot_str_c(getenv("SOT_FAILPOINTS"));
	while (rest.n) {
		sot_str action_text;
		sot_str name = sot_str_cut(sot_str_cut(rest, ',', &rest), '=', &action_text);
		sot_err err = {0};
		sot_code code = name.n ? set(name, action_text, &err) : SOT_OK;
		if (code == SOT_OK)
			continue;
		fprintf(stderr, "SOT_FAILPOINTS: %s\n", err.text);
		/* One variable may name points of several programs; a malformed one is a mistake. */
		if (code != SOT_NOT_FOUND)
			exit(2);
	}
}

void sot_failpoint_each(void (*visit)(void *self, const sot_failpoint *fp), void *self)
{
	for (sot_failpoint *const *p = __start_sot_failpoints; p < __stop_sot_failpoints; p++)
		visit(self, *p);
}
