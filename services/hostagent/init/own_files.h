/* own_files - files that the platform writes and that the instance owns: /etc/hosts, /etc/hostname,
 * /etc/resolv.conf. They are ordinary files of the writable root file system, so that tools such as
 * Puppet can unlink and make them again.
 *
 * The platform's text lies in <masters>/<name>; what was written last is kept in <kept>/<name>. A
 * file that is still what was written follows its master; one that is not was changed inside and is
 * left alone: that is drift, told once when it begins and once when it ends. Blocking, small files;
 * libc.
 */
#ifndef HOSTAGENT_OWN_FILES_H
#define HOSTAGENT_OWN_FILES_H

#include <poll.h>
#include <stdbool.h>

typedef struct own_files_places {
	const char *masters; /* "/etc/sotalia/files" */
	const char *kept;    /* "/var/lib/sotalia/files" */
	const char *targets; /* "/etc" */
} own_files_places;

/* `tell` is called when a file (its path) begins or ceases to differ from the platform's. */
typedef void (*own_files_fn)(const char *path, bool differs);

/* Watches both folders. The first own_files_sync is the caller's. */
void own_files_open(const own_files_places *places, own_files_fn tell);
/* Compares and writes; at the start and whenever own_files_fd has something to read. */
void own_files_sync(void);
/* What to wait for, or -1. */
int own_files_fd(void);

#endif
