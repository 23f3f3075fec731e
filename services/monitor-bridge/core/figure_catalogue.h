/* figure_catalogue - every figure that definitions may show, by name: what it is taken from, and
 * how it is read. Pure. The table is in figure_catalogue.c; services/monitor-bridge/README.md says
 * where to look for it.
 */
#ifndef MONITOR_FIGURE_CATALOGUE_H
#define MONITOR_FIGURE_CATALOGUE_H

#include "figures.h"
#include "sot_str.h"

typedef enum figure_source {
	FIGURE_HOST,      /* host_figures */
	FIGURE_INSTANCE,  /* instance_figures */
	FIGURE_INTERFACE, /* interface_figures: in the heartbeat of their host */
	FIGURE_BRIDGE,    /* bridge_figures */
	FIGURE_PLATFORM,  /* platform_figures */
	FIGURE_POOL,      /* pool_figures: the addresses of one VLAN */
	FIGURE_SOURCES
} figure_source;

typedef struct figure figure;

/* "host", "instance", ...; FIGURE_SOURCES for a word that is none. */
figure_source figure_source_find(sot_str word);
const char *figure_source_name(figure_source source);
/* NULL when that source has no such figure. */
const figure *figure_find(figure_source source, sot_str name);
const char *figure_name(const figure *f);
/* `figures` is the source's struct. */
double figure_read(const figure *f, const void *figures);
/* The n-th figure of a source, NULL at the end: for documents and tests. */
const figure *figure_nth(figure_source source, size_t n);

#endif
