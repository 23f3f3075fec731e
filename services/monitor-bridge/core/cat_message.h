/* cat_message - the message model of CAT (github.com/dianping/cat), as the encoders take it.
 *
 * One frame carries one tree: a header and one root message. Messages are plain structs that borrow
 * their text and their children, so a tree is built on the stack, encoded, and forgotten. Pure.
 */
#ifndef MONITOR_CAT_MESSAGE_H
#define MONITOR_CAT_MESSAGE_H

#include "sot_str.h"

#define CAT_NAME_MAX 256         /* bytes of a type or a name; the server cuts the rest */
#define CAT_STATUS_MAX 128       /* bytes of a status */
#define CAT_DEPTH_MAX 16         /* nested transactions in one tree */
#define CAT_FRAME_MAX 65535u     /* bytes of a frame with its length prefix */
#define CAT_SUCCESS SOT_STR("0") /* any other status is a failure */

typedef enum cat_kind { CAT_TRANSACTION, CAT_EVENT, CAT_HEARTBEAT, CAT_METRIC, CAT_TRACE } cat_kind;

typedef struct cat_message cat_message;
struct cat_message {
	cat_kind kind;
	int64_t at_unix_ms; /* start */
	sot_str type, name; /* cleaned while encoding, see cat_text.h */
	sot_str status;
	sot_str data;
	bool data_is_aggregate; /* data is "@count;fail;..."; otherwise a leading '@' is guarded */
	/* Transactions only. */
	uint64_t duration_us;
	const cat_message *children;
	size_t child_count;
};

/* In wire order. Empty texts are "absent". */
typedef struct cat_header {
	sot_str domain;
	sot_str host_name;
	sot_str address; /* the machine key on all of CAT's pages; need not be an IP address */
	sot_str thread_group, thread_id, thread_name;
	sot_str message_id, parent_id, root_id;
	sot_str session;
} cat_header;

/* What the encoders had to change; counted, never silent. Owned by the caller. */
typedef struct cat_repairs {
	uint64_t names_cleaned; /* types, names and header fields */
	uint64_t data_guarded;  /* data that began with '@' */
	uint64_t statuses_cut;
} cat_repairs;

#endif
