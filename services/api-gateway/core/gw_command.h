/* gw_command - a checked HTTP request to the bus message that carries it out.
 *
 * Pure. One table says which fields the body of each route has; one function fills and encodes
 * the message. What the table cannot express (a port for a TCP check) is checked here and reported
 * with a pointer, as the fields are.
 */
#ifndef GW_COMMAND_H
#define GW_COMMAND_H

#include "gw_json.h"
#include "gw_route.h"
#include "sot_proto.h"
#include "sot_uuid.h"

/* Who is to carry it out. */
typedef enum gw_peer { GW_PEER_SCHEDULER, GW_PEER_IPAM } gw_peer;

/* What a retry goes on with, as the ended operation's rows have it. */
typedef struct gw_retry {
	sot_uuid operation_id;
	sot_str kind, app, version, host;
	sot_str thing; /* the plan, image or middleware that it gives; else empty */
	uint32_t count;
	uint16_t parallel, failures_max;
	sot_uuid *targets;
	size_t target_count;
	struct sot_rollout_strategy strategy;
} gw_retry;

typedef struct gw_command {
	gw_route_id route;
	const char *params[GW_PARAMS_MAX]; /* of the path, decoded */
	const json_t *body;                /* checked by gw_json_read; NULL without a body */
	sot_str actor, source_address, api_request_id, idempotency_key;
	uint8_t request_sha256[32];
	/* version_upload and version_register only */
	uint8_t blob_sha256[32];
	uint64_t blob_size_bytes;
	sot_str file_name, signed_by;
	sot_str app;           /* capacity_get: of the query; "" when absent */
	uint32_t max_moves;    /* rebalance_get: of the query; 0 when absent */
	bool include_pinned;   /* the same */
	sot_str reason;        /* of the query; "" when absent */
	sot_str vrf;           /* ipam's routes only; the same */
	sot_str group;         /* elastic_delete only; the same */
	const gw_retry *retry; /* operation_retry only */
	/* import_run only */
	sot_uuid import_id;
	bool import_is_netbox, import_is_dry_run;
} gw_command;

/* A checked strategy of a rollout, or NULL for the default. */
struct sot_rollout_strategy command_strategy(const json_t *strategy);
/* The fields of the route's body; *ret_count is 0 for a route without one. */
const gw_field *gw_command_fields(gw_route_id route, size_t *ret_count);
gw_peer gw_command_peer(gw_route_id route);
/* SOT_INVALID fills *errors when a field is to blame, and always *err. */
sot_code gw_command_encode(const gw_command *c, uint64_t request_id, sot_buf *out,
    gw_json_errors *errors, sot_err *err) SOT_CHECK;

#endif
