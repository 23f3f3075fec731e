#include "websocket.h"

#include "sot_rand.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

enum { TURN_BYTES = 65536, KEY_N = 16, SHA1_N = 20 };

struct websocket {
	wslay_event_context_ptr context;
	websocket_events events;
	void *self;
	size_t left; /* bytes that may still be read in this call */
	bool heard, broken;
	unsigned close_code; /* 0: it is not to be closed, or was */
	char close_why[124]; /* RFC 6455, 5.5: a control frame is short */
};

static void base64(const uint8_t *bytes, size_t n, char *dst, size_t size)
{
	gnutls_datum_t in = {(unsigned char *)(uintptr_t)bytes, (unsigned)n}, out = {0};
	dst[0] = '\0';
	if (gnutls_base64_encode2(&in, &out) == 0 && out.size < size) {
		memcpy(dst, out.data, out.size);
		dst[out.size] = '\0';
	}
	gnutls_free(out.data);
}

static bool is_key(sot_str key)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	if (key.n != WEBSOCKET_KEY_TEXT - 1 || memcmp(key.p + 22, "==", 2) != 0)
		return false;
	for (size_t i = 0; i < 22; i++)
		if (memchr(alphabet, key.p[i], sizeof(alphabet) - 1) == NULL)
			return false;
	return true;
}

bool websocket_accept(sot_str key, char dst[static WEBSOCKET_ACCEPT_TEXT])
{
	static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[WEBSOCKET_KEY_TEXT - 1 + sizeof(magic) - 1];
	uint8_t digest[SHA1_N];
	if (!is_key(key))
		return false;
	memcpy(text, key.p, key.n);
	memcpy(text + key.n, magic, sizeof(magic) - 1);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text, sizeof(text), digest) != 0)
		return false;
	base64(digest, sizeof(digest), dst, WEBSOCKET_ACCEPT_TEXT);
	return dst[0] != '\0';
}

void websocket_make_key(char dst[static WEBSOCKET_KEY_TEXT])
{
	uint8_t raw[KEY_N];
	sot_rand_bytes(raw, sizeof(raw));
	base64(raw, sizeof(raw), dst, WEBSOCKET_KEY_TEXT);
}

static ssize_t on_read(
    wslay_event_context_ptr context, uint8_t *dst, size_t n, int flags, void *self)
{
	websocket *w = self;
	(void)flags;
	ssize_t got = w->left == 0 ? 0 : w->events.read(w->self, dst, n < w->left ? n : w->left);
	if (got > 0) {
		w->left -= (size_t)got;
		return got;
	}
	w->broken = w->broken || got < 0;
	wslay_event_set_error(context, got < 0 ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static ssize_t on_write(
    wslay_event_context_ptr context, const uint8_t *src, size_t n, int flags, void *self)
{
	websocket *w = self;
	(void)flags;
	ssize_t sent = w->events.write(w->self, src, n);
	if (sent > 0)
		return sent;
	w->broken = w->broken || sent < 0;
	wslay_event_set_error(context, sent < 0 ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static int make_mask(wslay_event_context_ptr context, uint8_t *dst, size_t n, void *self)
{
	(void)context;
	(void)self;
	sot_rand_bytes(dst, n);
	return 0;
}

static void on_message(
    wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *m, void *self)
{
	websocket *w = self;
	w->heard = true;
	if (m->opcode == WSLAY_BINARY_FRAME)
		w->events.on_message(w->self, (sot_str){(const char *)m->msg, m->msg_length});
	else if (m->opcode == WSLAY_TEXT_FRAME)
		(void)wslay_event_queue_close(context, WSLAY_CODE_UNSUPPORTED_DATA, NULL, 0);
}

websocket *websocket_new(
    bool is_server, size_t message_max, const websocket_events *events, void *self)
{
	static const struct wslay_event_callbacks callbacks = {.recv_callback = on_read,
	    .send_callback = on_write,
	    .genmask_callback = make_mask,
	    .on_msg_recv_callback = on_message};
	websocket *w = sot_alloc(sizeof(*w));
	w->events = *events;
	w->self = self;
	int failed = is_server ? wslay_event_context_server_init(&w->context, &callbacks, w)
	                       : wslay_event_context_client_init(&w->context, &callbacks, w);
	if (failed != 0)
		abort(); /* out of memory */
	wslay_event_config_set_max_recv_msg_length(w->context, message_max);
	return w;
}

websocket *websocket_free(websocket *w)
{
	if (w) {
		wslay_event_context_free(w->context);
		free(w);
	}
	return NULL;
}

bool websocket_receive(websocket *w, bool *ret_more)
{
	w->left = TURN_BYTES;
	int failed = wslay_event_want_read(w->context) ? wslay_event_recv(w->context) : 0;
	*ret_more = w->left == 0;
	return failed == 0 && !w->broken &&
	       (wslay_event_want_read(w->context) || wslay_event_want_write(w->context));
}

bool websocket_send(websocket *w, const void *bytes, size_t n)
{
	struct wslay_event_msg m = {WSLAY_BINARY_FRAME, bytes, n};
	return wslay_event_queue_msg(w->context, &m) == 0;
}

bool websocket_ping(websocket *w)
{
	struct wslay_event_msg m = {WSLAY_PING, NULL, 0};
	return wslay_event_queue_msg(w->context, &m) == 0;
}

void websocket_close(websocket *w, unsigned code, const char *why)
{
	w->close_code = code;
	(void)snprintf(w->close_why, sizeof(w->close_why), "%s", why);
}

static bool lives(const websocket *w, int failed)
{
	return failed == 0 && !w->broken &&
	       (wslay_event_want_read(w->context) || wslay_event_want_write(w->context));
}

static int send_queued(websocket *w)
{
	return wslay_event_want_write(w->context) ? wslay_event_send(w->context) : 0;
}

/* wslay sends control frames before messages, and nothing after a close: it is queued last. */
bool websocket_flush(websocket *w)
{
	int failed = send_queued(w);
	if (failed == 0 && w->close_code != 0 && !wslay_event_want_write(w->context)) {
		(void)wslay_event_queue_close(w->context, (uint16_t)w->close_code,
		    (const uint8_t *)w->close_why, strlen(w->close_why));
		w->close_code = 0;
		failed = send_queued(w);
	}
	return lives(w, failed);
}

size_t websocket_queued(const websocket *w)
{
	bool waits = wslay_event_want_write(w->context) || w->close_code != 0;
	return waits ? wslay_event_get_queued_msg_length(w->context) + 1 : 0;
}

bool websocket_heard(websocket *w)
{
	bool heard = w->heard;
	w->heard = false;
	return heard;
}
