/* tool - other programs that the command runs (docker), and the registry's own API.
 *
 * Everything blocks; what goes wrong was said on stderr when a function returns false.
 */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "sot_mem.h"

/* Runs argv[0] (looked up in PATH; NULL ends argv). `stdin_file` NULL: nothing to read. With `out`
 * NULL its output goes to stderr, as it comes; else standard output and error are appended to it,
 * what is beyond its limit is thrown away. *ret_status: its exit status, 128 + signal. False when
 * it could not be started. */
bool tool_run(const char *const *argv, const char *stdin_file, sot_buf *out, int *ret_status);

/* "registry:5000/a/b:tag" in its parts. False when it has no registry or no tag. */
typedef struct tool_reference {
	char registry[128], repository[160], tag[130];
} tool_reference;
bool tool_reference_parse(const char *text, tool_reference *ret);

typedef enum registry_answer { REGISTRY_FAILED, REGISTRY_ABSENT, REGISTRY_THERE } registry_answer;
/* The digest of the manifest that the tag names. Plain HTTP for a registry on loopback, or when
 * `plain`. */
registry_answer registry_digest(const tool_reference *r, bool plain, char ret_digest[static 72]);
/* Removes that manifest with all its tags; its layers go with the registry's own garbage
 * collection. ABSENT is as good as THERE. */
registry_answer registry_remove(const tool_reference *r, bool plain, const char *digest);

#endif
