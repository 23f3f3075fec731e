/* sotalia-unpack - unpacks one package in a process of its own: what a stranger's archive could do
 * to its reader it does to this one, and the agent does not carry the libraries for it.
 *
 *   sotalia-unpack ARCHIVE FOLDER
 *
 * Ends with 0, or with 1 and the reason on stderr; what is in FOLDER then is the caller's to
 * remove.
 */
#include "extract.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	sot_err err = {0};
	struct rlimit file_size = {
	    extract_default_limits.entry_bytes + 1, extract_default_limits.entry_bytes + 1};
	if (argc != 3) {
		(void)fprintf(stderr, "usage: sotalia-unpack ARCHIVE FOLDER\n");
		return 2;
	}
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)setrlimit(RLIMIT_FSIZE, &file_size);
	(void)umask(0022);
	sot_code code = extract_archive(argv[1], argv[2], &extract_default_limits, &err);
	if (code != SOT_OK)
		(void)fprintf(stderr, "%s", err.text);
	return code == SOT_OK ? 0 : 1;
}
