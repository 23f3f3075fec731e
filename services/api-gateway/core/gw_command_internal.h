/* gw_command_internal - what the files of gw_command share: its contract is gw_command.h. */
#ifndef GW_COMMAND_INTERNAL_H
#define GW_COMMAND_INTERNAL_H

#include "gw_command.h"

#include "sot_proto.h"

/* Adds to *errors and fills *err; returns SOT_INVALID. */
sot_code command_blame(
    gw_json_errors *errors, const char *pointer, const char *detail, sot_err *err);
struct sot_request_context command_context(const gw_command *c);

/* gw_command_ipam.c: the routes that ipam carries out. */
bool ipam_command_owns(gw_route_id route);
/* The fields of the route's body; *ret_count is 0, and NULL is returned, for any other route. */
const gw_field *ipam_command_fields(gw_route_id route, size_t *ret_count);
sot_code ipam_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out,
    gw_json_errors *errors, sot_err *err) SOT_CHECK;

#endif
