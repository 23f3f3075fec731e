/* Who may connect: the ZeroMQ authentication protocol (ZAP, RFC 27), answered in the loop.
 * Source: https://rfc.zeromq.org/spec/27/
 *
 * libzmq asks over inproc for every handshake on a listening socket. It fails closed: libzmq lets
 * everybody in only while nobody is bound to the address below, so the handler is bound before the
 * first listener exists and unbound after the last is closed. Whatever is not a well-formed
 * question about a known CURVE key is refused.
 */
#include "bus_internal.h"

#include <errno.h>
#include <string.h>

/* routing id, empty, version, request id, domain, address, identity, mechanism, credentials */
enum {
	ZAP_ROUTE,
	ZAP_EMPTY,
	ZAP_VERSION,
	ZAP_REQUEST,
	ZAP_DOMAIN,
	ZAP_ADDRESS,
	ZAP_IDENTITY,
	ZAP_MECHANISM,
	ZAP_CREDENTIALS,
	ZAP_PARTS,
	ZAP_PART_MAX = 256,
};

typedef struct zap_question {
	char parts[ZAP_PARTS][ZAP_PART_MAX];
	size_t sizes[ZAP_PARTS];
	size_t count; /* all that came, also beyond ZAP_PARTS */
	bool too_long;
} zap_question;

static bool receive(void *socket, zap_question *q)
{
	int more = 1;
	while (more) {
		char part[ZAP_PART_MAX];
		int n = zmq_recv(socket, part, sizeof(part), ZMQ_DONTWAIT);
		if (n < 0)
			return false;
		if (n > ZAP_PART_MAX) {
			q->too_long = true;
			n = ZAP_PART_MAX;
		}
		if (q->count < ZAP_PARTS) {
			memcpy(q->parts[q->count], part, (size_t)n);
			q->sizes[q->count] = (size_t)n;
		}
		q->count++;
		size_t size = sizeof(more);
		zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
	}
	return true;
}

static bool part_is(const zap_question *q, size_t i, const char *text)
{
	return sot_str_eq_c((sot_str){q->parts[i], q->sizes[i]}, text);
}

static const allowed_peer *judge(const bus *b, const zap_question *q)
{
	if (q->too_long || q->count != ZAP_PARTS || !part_is(q, ZAP_VERSION, "1.0") ||
	    !part_is(q, ZAP_MECHANISM, "CURVE") || q->sizes[ZAP_CREDENTIALS] != 32)
		return NULL;
	char key[BUS_KEY_TEXT];
	if (!zmq_z85_encode(key, (const uint8_t *)q->parts[ZAP_CREDENTIALS], 32))
		return NULL;
	return bus_find_key(b, key);
}

/* One ZMTP property: length of the name, name, length of the value as 4 bytes, value. */
static size_t metadata_for(const allowed_peer *peer, uint8_t *out)
{
	const size_t name_n = sizeof(BUS_KEY_PROPERTY) - 1, value_n = BUS_KEY_TEXT - 1;
	out[0] = (uint8_t)name_n;
	memcpy(out + 1, BUS_KEY_PROPERTY, name_n);
	uint8_t *value = out + 1 + name_n;
	value[0] = value[1] = value[2] = 0;
	value[3] = (uint8_t)value_n;
	memcpy(value + 4, peer->key, value_n);
	return 1 + name_n + 4 + value_n;
}

static void answer(void *socket, const zap_question *q, const allowed_peer *peer)
{
	uint8_t metadata[128];
	size_t metadata_n = peer ? metadata_for(peer, metadata) : 0;
	const char *status = peer ? "200" : "400";
	const char *text = peer ? "OK" : "unknown key";
	const char *identity = peer ? peer->identity : "";
	const int more = ZMQ_DONTWAIT | ZMQ_SNDMORE;
	/* The asker is a session in this process. When it is gone, nobody waits for the answer. */
	zmq_send(socket, q->parts[ZAP_ROUTE], q->sizes[ZAP_ROUTE], more);
	zmq_send(socket, "", 0, more);
	zmq_send(socket, "1.0", 3, more);
	zmq_send(socket, q->parts[ZAP_REQUEST], q->sizes[ZAP_REQUEST], more);
	zmq_send(socket, status, 3, more);
	zmq_send(socket, text, strlen(text), more);
	zmq_send(socket, identity, strlen(identity), more);
	zmq_send(socket, metadata, metadata_n, ZMQ_DONTWAIT);
}

static bool on_question(void *self, void *socket)
{
	bus *b = self;
	zap_question q = {.count = 0};
	if (!receive(socket, &q))
		return false;
	const allowed_peer *peer = judge(b, &q);
	sot_metric_add(peer ? b->zap_allowed : b->zap_refused, 1);
	answer(socket, &q, peer);
	return true;
}

sot_code bus_zap_open(bus *b, sot_err *err)
{
	b->zap_socket = zmq_socket(b->context, ZMQ_ROUTER);
	int none = 0;
	if (!b->zap_socket || zmq_setsockopt(b->zap_socket, ZMQ_LINGER, &none, sizeof(none)) != 0 ||
	    zmq_setsockopt(b->zap_socket, ZMQ_RCVHWM, &none, sizeof(none)) != 0 ||
	    zmq_setsockopt(b->zap_socket, ZMQ_SNDHWM, &none, sizeof(none)) != 0 ||
	    zmq_bind(b->zap_socket, "inproc://zeromq.zap.01") != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "cannot start the handler of handshakes");
	b->zap_watch = reactor_add_socket(b->r, b->zap_socket, on_question, b);
	return SOT_OK;
}

void bus_zap_close(bus *b)
{
	b->zap_watch = reactor_remove(b->zap_watch);
	if (b->zap_socket)
		zmq_close(b->zap_socket);
	b->zap_socket = NULL;
}
