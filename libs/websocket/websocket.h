/* websocket - one WebSocket connection (RFC 6455) over bytes that the caller moves: binary messages
 * in and out, pings, the closing handshake. The frames are wslay's; this bounds what it keeps.
 *
 * The caller owns the transport (a socket, TLS) as two functions and calls websocket_receive when
 * it is readable, websocket_flush when it is writable and wanted. Pure but for those; one thread.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <sys/types.h>

#include "sot_mem.h"
#include "sot_str.h"

#define WEBSOCKET_KEY_TEXT 25    /* 16 bytes in base64, with the NUL */
#define WEBSOCKET_ACCEPT_TEXT 29 /* SHA-1 in base64, with the NUL */

/* The answer to a key (RFC 6455, 4.2.2). False: that is no key (24 characters of base64). */
bool websocket_accept(sot_str key, char dst[static WEBSOCKET_ACCEPT_TEXT]);
void websocket_make_key(char dst[static WEBSOCKET_KEY_TEXT]);

typedef struct websocket websocket;
typedef struct websocket_events {
	/* Bytes moved, 0: would block, -1: the connection is gone. */
	ssize_t (*read)(void *self, void *dst, size_t n);
	ssize_t (*write)(void *self, const void *src, size_t n);
	/* A whole binary message; borrowed for the call. */
	void (*on_message)(void *self, sot_str message);
} websocket_events;

/* Messages longer than message_max end the connection (1009). */
websocket *websocket_new(
    bool is_server, size_t message_max, const websocket_events *events, void *self);
websocket *websocket_free(websocket *w);
SOT_DEFINE_AUTO(websocket)
/* Reads and hands over what is there. False: the connection is over (closed, broken, or the peer
 * broke the protocol). At most 64 KiB a call; *ret_more: more may be waiting. */
bool websocket_receive(websocket *w, bool *ret_more);
/* Queues a message; websocket_flush sends. The caller looks at websocket_queued first: its own
 * messages are bounded by it. */
bool websocket_send(websocket *w, const void *bytes, size_t n);
bool websocket_ping(websocket *w);
/* Begins the closing handshake after what is queued; code as of RFC 6455, 7.4.1. */
void websocket_close(websocket *w, unsigned code, const char *why);
/* Sends what the transport takes. False: the connection is over. */
bool websocket_flush(websocket *w);
size_t websocket_queued(const websocket *w); /* bytes that were not sent yet */
/* Anything was heard (a message or a pong) since the last call of this. */
bool websocket_heard(websocket *w);

#endif
