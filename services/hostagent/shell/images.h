/* images - brings an image to this host's Engine. */
#ifndef HOSTAGENT_IMAGES_H
#define HOSTAGENT_IMAGES_H

#include "agent.h"

/* Called exactly once, never inside image_have. */
typedef void (*image_done_fn)(void *self, sot_code code, const sot_err *why);
/* The Engine has the image of that reference (borrowed until done): it is asked, and pulls it when
 * it has not. */
sot_code image_have(
    agent *a, sot_str reference, image_done_fn done, void *self, sot_err *err) SOT_CHECK;

#endif
