/* What a configuration table says about itself: --help, and the dump with secrets masked. */
#include "sot_config_internal.h"

#include <inttypes.h>
#include <stdio.h>

char *sot_config_environment_prefix(const char *service, char dst[static 128])
{
	size_t n = (size_t)snprintf(dst, 128, "SOT_%.100s_", service);
	for (size_t i = 4; i < n; i++) {
		if (dst[i] == '-')
			dst[i] = '_';
		else if (dst[i] >= 'a' && dst[i] <= 'z')
			dst[i] = (char)(dst[i] - 'a' + 'A');
	}
	return dst;
}

static void print_key(const sot_config_key *key)
{
	static const char *const types[] = {"text", "number", "true or false", "secret text"};
	printf("  %s\n      %s\n      ", key->name, key->doc);
	if (key->type == SOT_CONFIG_INT)
		printf("number from %" PRId64 " to %" PRId64, key->min, key->max);
	else if (key->type == SOT_CONFIG_BOOL)
		printf("%s", types[key->type]);
	else
		printf("%s of %" PRId64 " to %" PRId64 " bytes", types[key->type], key->min, key->max);
	if (!key->default_text)
		printf("; must be given\n");
	else
		printf("; default \"%s\"\n", key->default_text);
}

void sot_config_print_help(const sot_config_table *table)
{
	char prefix[128];
	printf("Usage: sotalia-%s [--config=FILE] [--KEY=VALUE]...\n\n"
	       "  --config=FILE        read `key = value` lines ('#' begins a comment)\n"
	       "  --check-config       read and check everything, print it, end\n"
	       "  --list-failpoints    print the names of the failpoints in this program\n"
	       "  --help, --version\n\n"
	       "A later source wins: default, file, environment (%sKEY, upper case), command line.\n\n"
	       "Keys:\n",
	    table->service, sot_config_environment_prefix(table->service, prefix));
	for (size_t i = 0; i < table->key_count; i++)
		print_key(&table->keys[i]);
}

void sot_config_dump(const sot_config_key *keys, size_t key_count, const void *config, sot_buf *out)
{
	for (size_t i = 0; i < key_count; i++) {
		const char *member = (const char *)config + keys[i].offset;
		sot_buf_printf(out, "%s = ", keys[i].name);
		switch (keys[i].type) {
		case SOT_CONFIG_STRING:
			sot_buf_add_c(out, member);
			break;
		case SOT_CONFIG_SECRET:
			sot_buf_add_c(out, *member ? "********" : "");
			break;
		case SOT_CONFIG_INT:
			sot_buf_printf(out, "%" PRId64, *(const int64_t *)(const void *)member);
			break;
		case SOT_CONFIG_BOOL:
			sot_buf_add_c(out, *(const bool *)member ? "true" : "false");
			break;
		}
		sot_buf_add_char(out, '\n');
	}
}
