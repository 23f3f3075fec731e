/* Time zones of this machine, read when a schedule names them first and kept. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_file.h"
#include "sot_log.h"

#define FOLDER "/usr/share/zoneinfo/"
#define FILE_MAX 65536
#define NAME_MAX_BYTES 64

/* What names in that folder are made of: none leads out of it. */
static bool is_name(const char *name)
{
	static const char parts[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";

	return name[0] && name[0] != '/' && strlen(name) <= NAME_MAX_BYTES &&
	       strspn(name, parts) == strlen(name);
}

static time_zone *read_zone(const char *name)
{
	char path[sizeof(FOLDER) + NAME_MAX_BYTES];
	SOT_AUTO_BUF bytes = {0};
	sot_err err = {0};
	time_zone *z = NULL;

	(void)snprintf(path, sizeof(path), "%s%s", FOLDER, name);
	sot_buf_init(&bytes, FILE_MAX);
	if (sot_file_read(path, &bytes, &err) == SOT_OK)
		z = time_zone_parse(sot_buf_str(&bytes), &err);
	if (!z)
		sot_log_err(SOT_INFO, "time_zone.unknown", &err, "zone=%s", name);
	return z;
}

const time_zone *time_zones_find(void *self, const char *name)
{
	scheduler *s = self;

	if (!is_name(name))
		return NULL;
	if (!s->time_zones)
		s->time_zones = sot_map_new();
	time_zone *z = sot_map_get(s->time_zones, name, strlen(name));
	if (!z && (z = read_zone(name)))
		sot_map_set(s->time_zones, name, strlen(name), z);
	return z;
}

void time_zones_free(scheduler *s)
{
	sot_map_iter it = {0};
	void *z;

	while (s->time_zones && (z = sot_map_next(s->time_zones, &it, NULL)))
		(void)time_zone_free(z);
	sot_map_free(s->time_zones);
}
