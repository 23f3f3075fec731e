/* image - what run_image.c and run_image_build.c share.
 */
#ifndef CLI_IMAGE_H
#define CLI_IMAGE_H

#include "cli.h"

/* One request on that path; *ret (may be NULL) is the answer, to be released, or NULL. */
cli_exit image_send(const cli_call *call, const char *method, const json_t *body, json_t **ret,
    const char *pattern, const char *const *args, size_t count);
/* The version of an image as GET /v1/images/{name} told it; NULL when it has none of that name. */
const json_t *image_version_of(const json_t *image, const char *version);
/* What builds left behind on this machine's Docker: untagged layers of `image build`, a day old. */
cli_exit image_prune_builder(void);

#endif
