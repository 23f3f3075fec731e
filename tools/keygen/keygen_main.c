/* sotalia-keygen PATH - makes the CURVE key pair of a service.
 *
 * Writes PATH and PATH_secret (0400) and prints the public key, one Z85 line: the content of the
 * service's .pub file. Refuses to replace a key that exists. (A host's key is made by its agent.)
 */
#include "bus.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	sot_err err;
	bus_keypair keys;

	bool is_help = argc == 2 && strcmp(argv[1], "--help") == 0;
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(is_help ? stdout : stderr, "usage: sotalia-keygen PATH\n"
		                                   "Makes PATH and PATH_secret, prints the public key.\n");
		return is_help ? 0 : 64;
	}
	if (access(argv[1], F_OK) == 0) {
		fprintf(stderr, "sotalia-keygen: %s exists; move it away to make a new key\n", argv[1]);
		return 1;
	}
	if (bus_keypair_make(&keys, &err) != SOT_OK ||
	    bus_keypair_save(argv[1], &keys, &err) != SOT_OK) {
		fprintf(stderr, "sotalia-keygen: %s\n", err.text);
		return 1;
	}
	printf("%s\n", keys.public_key);
	memset(&keys, 0, sizeof(keys));
	return fflush(stdout) == 0 ? 0 : 1;
}
