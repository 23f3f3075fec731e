/* environment_file - reads NAME=value lines and finds the account to run as, for sotalia-init.
 * Pure parsers on text; no library, since the program is linked statically into every image.
 */
#ifndef HOSTAGENT_ENVIRONMENT_FILE_H
#define HOSTAGENT_ENVIRONMENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Cuts the next line off *text (ended by LF or NUL, which is overwritten); NULL at the end. */
char *environment_next_line(char **text);

/* Splits "NAME=value" in place. False for blank lines, comments, and names that are no
 * identifiers. */
bool environment_split(char *line, const char **ret_name, const char **ret_value);

typedef struct account {
	uid_t uid;
	gid_t gid;
	char home[256], shell[128];
} account;

/* Finds `name` in the text of /etc/passwd (changed while reading). */
bool account_find(char *passwd, const char *name, account *ret);

/* The groups that name `name` as a member in the text of /etc/group (changed while reading), after
 * the first, `own`; how many, at most max. */
size_t account_groups(char *group, const char *name, gid_t own, gid_t *ret, size_t max);

#endif
