#include "docker_call.h"

#include <string.h>

/* The words between the slashes of a path, without what asks for more. */
static size_t split_path(const char *path, sot_str words[static 3])
{
	size_t count = 0;
	sot_str query, rest = sot_str_cut(sot_str_c(path), '?', &query);
	while (rest.n > 0 && count < 3) {
		sot_str word = sot_str_cut(rest, '/', &rest);
		if (word.n > 0)
			words[count++] = word;
	}
	return count;
}

static sot_str container_call_name(const char *method, const sot_str *words, size_t count)
{
	static const char *const actions[] = {
	    "start", "stop", "restart", "pause", "unpause", "update", "kill", "logs", "wait", "stats"};
	if (count == 2 && sot_str_eq_c(words[1], "json"))
		return SOT_STR("list");
	if (count == 2 && strcmp(method, "POST") == 0)
		return SOT_STR("create");
	if (count == 2)
		return strcmp(method, "DELETE") == 0 ? SOT_STR("rm") : SOT_STR("other");
	if (count == 3 && sot_str_eq_c(words[2], "json"))
		return SOT_STR("inspect");
	for (size_t i = 0; count == 3 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (sot_str_eq_c(words[2], actions[i]))
			return sot_str_c(actions[i]);
	}
	return SOT_STR("other");
}

sot_str docker_call_name(const char *method, const char *path)
{
	sot_str words[3];
	size_t count = split_path(path, words);
	if (count > 0 && sot_str_eq_c(words[0], "containers"))
		return container_call_name(method, words, count);
	if (count > 0 && sot_str_eq_c(words[0], "images")) {
		if (strcmp(method, "POST") == 0)
			return SOT_STR("pull");
		return strcmp(method, "DELETE") == 0 ? SOT_STR("rmi") : SOT_STR("image");
	}
	static const char *const plain[] = {"_ping", "info", "version"};
	for (size_t i = 0; count == 1 && i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (sot_str_eq_c(words[0], plain[i]))
			return sot_str_c(plain[i] + (plain[i][0] == '_'));
	}
	return SOT_STR("other");
}
