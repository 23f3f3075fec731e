/* What of a syslog datagram is sshd's word, and what only looks like it. */
#include "login_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *words_of(const char *datagram, char *message, size_t size)
{
	static char copy[512];
	const char *words = NULL;
	(void)snprintf(copy, sizeof(copy), "%s", datagram);
	(void)snprintf(message, size, "%s", login_journal_message(copy, "sshd", &words));
	return words;
}

static void a_line_of_sshd_is_found(void **state)
{
	(void)state;
	char message[512];
	const char *words = words_of(
	    "<38>Nov 28 17:40:01 sshd[123]: Accepted publickey for admin from 10.0.0.1 port 2 ssh2: X",
	    message, sizeof(message));
	assert_string_equal(words, "Accepted publickey for admin from 10.0.0.1 port 2 ssh2: X");
	assert_true(strncmp(message, "sshd[123]: Accepted", 19) == 0);
	assert_non_null(words_of("sshd: Accepted x", message, sizeof(message)));
}

static void other_programs_are_not_sshd(void **state)
{
	(void)state;
	static const char *const others[] = {"<38>Nov 28 17:40:01 sshdx[1]: Accepted publickey",
	    "<38>Nov 28 17:40:01 app: sshd[1]: Accepted", "", "<", "<38>", "<1234567>sshd[1]: Accepted",
	    "sshd[1]", "Nov 28 17:40:01 "};
	char message[512];
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_null(words_of(others[i], message, sizeof(message)));
}

/* A line feed would begin a line of its own in the journal. */
static void control_characters_become_spaces(void **state)
{
	(void)state;
	char message[512];
	const char *words = words_of(
	    "<38>Nov 28 17:40:01 sshd[1]: Accepted a\nlogin 1 2 \x1b[31m", message, sizeof(message));
	assert_string_equal(words, "Accepted a login 1 2  [31m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_of_sshd_is_found),
	    cmocka_unit_test(other_programs_are_not_sshd),
	    cmocka_unit_test(control_characters_become_spaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
