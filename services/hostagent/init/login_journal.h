/* login_journal - who logged in and out of this instance, as a file that the agent reads.
 *
 * sshd, sudo and cron write to /dev/log; the kernel says which process wrote. Each line goes to
 * stderr, into the instance's log: on stdout it would come between the two halves of a line that
 * the app writes with its buffer. A line of sshd, written by root, that accepts a log-in is noted
 * in the journal with the pid of the session's process; its end is seen on a pidfd and noted too.
 *
 *   boot <unix ms>
 *   login <unix ms> <pid> Accepted publickey for admin from 10.66.0.1 port 40222 ssh2: ...
 *   logout <unix ms> <pid>
 *   drift <unix ms> <path>      a file of the platform (own_files.h) was changed inside
 *   same <unix ms> <path>       it is the platform's again
 *
 * A file of JOURNAL_MAX bytes becomes <path>.1. Never blocks: what stderr or the disk does not take
 * is counted and said later. One journal per process; libc only.
 */
#ifndef HOSTAGENT_LOGIN_JOURNAL_H
#define HOSTAGENT_LOGIN_JOURNAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { JOURNAL_SESSIONS_MAX = 128, JOURNAL_FDS_MAX = JOURNAL_SESSIONS_MAX + 1 };

/* Binds `socket_path` and notes the boot. False: this instance has no journal (said on stderr). */
bool login_journal_open(const char *socket_path, const char *path);
/* Adds what is to be waited for to fds (room for JOURNAL_FDS_MAX); returns how many. */
size_t login_journal_fds(struct pollfd *fds);
/* Takes what the poll found. */
void login_journal_serve(const struct pollfd *fds, size_t count);

/* Notes that a file of the platform began, or ceased, to differ. */
void login_journal_note_drift(const char *path, bool differs);

/* Pure. The message of a syslog datagram without priority and time, and whether its tag is
 * `program` (in *ret_program_line the text behind the tag). */
const char *login_journal_message(
    char *datagram, const char *program, const char **ret_program_line);

#endif
