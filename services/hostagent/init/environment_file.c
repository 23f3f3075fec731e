#include "environment_file.h"

#include <limits.h>
#include <string.h>

char *environment_next_line(char **text)
{
	char *line = *text;
	if (!line || *line == '\0')
		return NULL;
	char *end = strchr(line, '\n');
	*text = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static bool is_name(const char *name)
{
	if (*name == '\0' || (*name >= '0' && *name <= '9'))
		return false;
	for (; *name; name++) {
		bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
		if (!letter && !(*name >= '0' && *name <= '9') && *name != '_')
			return false;
	}
	return true;
}

bool environment_split(char *line, const char **ret_name, const char **ret_value)
{
	char *equals = strchr(line, '=');
	if (!equals || line[0] == '#')
		return false;
	*equals = '\0';
	if (!is_name(line)) {
		*equals = '=';
		return false;
	}
	*ret_name = line;
	*ret_value = equals + 1;
	return true;
}

/* Cuts the next field of a passwd line off *rest. */
static char *field(char **rest)
{
	char *start = *rest;
	if (!start)
		return NULL;
	char *colon = strchr(start, ':');
	*rest = colon ? colon + 1 : NULL;
	if (colon)
		*colon = '\0';
	return start;
}

static bool number(const char *text, unsigned *ret)
{
	unsigned n = 0;
	if (!text || *text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || n > (unsigned)(INT_MAX - 9) / 10)
			return false;
		n = n * 10 + (unsigned)(*text - '0');
	}
	*ret = n;
	return true;
}

bool account_find(char *passwd, const char *name, account *ret)
{
	for (char *line; (line = environment_next_line(&passwd)) != NULL;) {
		char *rest = line;
		unsigned uid = 0, gid = 0;
		const char *who = field(&rest);
		if (!who || strcmp(who, name) != 0)
			continue;
		(void)field(&rest); /* the password's place */
		bool numbers = number(field(&rest), &uid) && number(field(&rest), &gid);
		(void)field(&rest); /* the full name */
		const char *home = field(&rest), *shell = field(&rest);
		if (!numbers || !home || strlen(home) >= sizeof(ret->home) ||
		    (shell && strlen(shell) >= sizeof(ret->shell)))
			return false;
		memset(ret->shell, 0, sizeof(ret->shell));
		if (shell)
			memcpy(ret->shell, shell, strlen(shell) + 1);
		ret->uid = uid;
		ret->gid = gid;
		memcpy(ret->home, home, strlen(home) + 1);
		return true;
	}
	return false;
}

static bool is_member(char *list, const char *name)
{
	for (char *next = list; next && *next;) {
		char *who = next;
		next = strchr(who, ',');
		if (next)
			*next++ = '\0';
		if (strcmp(who, name) == 0)
			return true;
	}
	return false;
}

size_t account_groups(char *group, const char *name, gid_t own, gid_t *ret, size_t max)
{
	size_t count = 0;
	if (max > 0)
		ret[count++] = own;
	for (char *line; (line = environment_next_line(&group)) != NULL;) {
		char *rest = line;
		unsigned gid = 0;
		(void)field(&rest); /* the group's name */
		(void)field(&rest); /* the password's place */
		if (number(field(&rest), &gid) && gid != own && count < max && is_member(rest, name))
			ret[count++] = gid;
	}
	return count;
}
