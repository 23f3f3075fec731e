/* choices - what the placer says of one app and its hosts, against the reference. */
#ifndef PLACEMENT_CHOICES_H
#define PLACEMENT_CHOICES_H

#include "cluster.h"

/* The obstacles of every pair of app and host are those of the reference. */
void check_all_pairs(cluster *c, const char *when);
/* `chosen` fits, and nothing that fits is better; PLACER_NONE only when nothing fits. */
void check_choice(cluster *c, uint32_t app, uint32_t chosen);
/* The explanation names the choice, its cost, and the next best in their order. */
void check_explanation(cluster *c, uint32_t app, uint32_t chosen);

#endif
