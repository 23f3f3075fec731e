/* gw_policy - which request heads are refused before anything else looks at them.
 *
 * Pure. The HTTP library is lenient where leniency allows request smuggling; this closes the gaps:
 * repeated Host, Content-Length or Transfer-Encoding, both lengths at once, an encoding other than
 * chunked, a missing Host, control bytes and spaces in names, hidden bytes (a NUL, folded lines).
 * A refused head is answered with 400 and the connection is closed.
 */
#ifndef GW_POLICY_H
#define GW_POLICY_H

#include "sot_str.h"

typedef struct gw_header {
	sot_str name, value;
} gw_header;

#define GW_HEADERS_MAX 64

typedef struct gw_head {
	sot_str method, target, version; /* target: as sent, with the query */
	const gw_header *headers;
	size_t header_count;
	size_t size_bytes; /* of the whole head on the wire; 0: unknown */
} gw_head;

/* SOT_INVALID names the rule that was broken. */
sot_code gw_policy_check(const gw_head *head, sot_err *err) SOT_CHECK;

#endif
