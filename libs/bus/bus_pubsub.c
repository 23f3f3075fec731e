/* Publish and subscribe, with a sequence per publisher and topic: the subscriber sees what it lost.
 *
 * PUB drops for a slow subscriber without a word, by design; that loss is counted where it is seen,
 * at the subscriber, as a gap.
 */
#include "bus_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STAMP_SIZE = 16, TOPICS_MAX = 1024, TOPIC_BYTES_MAX = 128, STREAMS_MAX = 65536 };

static void put_u64(uint8_t *p, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		p[i] = (uint8_t)value;
}

static uint64_t get_u64(const char *p)
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | (uint8_t)p[i];
	return value;
}

/* ---- publisher ---- */

struct bus_publisher {
	bus_socket socket;
	uint64_t id;
	sot_map *topics; /* topic -> uint64_t *, the last sequence */
	sot_metric *dropped;
};

static void destroy_publisher(bus_socket *socket)
{
	bus_publisher_free(SOT_CONTAINER(socket, bus_publisher, socket));
}

sot_code bus_publisher_new(bus *b, const char *name, const char *endpoint, bool bind,
    const char *server_public_key, bus_publisher **ret, sot_err *err)
{
	bus_publisher *p = sot_alloc(sizeof(*p));
	const bus_socket_config config = {.type = ZMQ_PUB,
	    .name = name,
	    .endpoint = endpoint,
	    .bind = bind,
	    .server_key = server_public_key,
	    .destroy = destroy_publisher};
	sot_code code = bus_socket_open(b, &config, p, &p->socket, err);
	if (code != SOT_OK) {
		free(p);
		return code;
	}
	sot_rand_bytes(&p->id, sizeof(p->id));
	p->topics = sot_map_new();
	p->dropped = sot_counter(
	    "sot_bus_publish_dropped_total", p->socket.labels, "Not published: too large, or refused.");
	*ret = p;
	return SOT_OK;
}

/* The counter of a topic, NULL when there are too many topics. */
static uint64_t *topic_counter(bus_publisher *p, sot_str topic)
{
	uint64_t *last = sot_map_get(p->topics, topic.p, topic.n);
	if (last || sot_map_count(p->topics) >= TOPICS_MAX || topic.n > TOPIC_BYTES_MAX)
		return last;
	last = sot_alloc(sizeof(*last));
	sot_map_set(p->topics, topic.p, topic.n, last);
	return last;
}

void bus_publish(bus_publisher *p, sot_str topic, sot_str frame)
{
	uint64_t *last = topic_counter(p, topic);
	if (!last || frame.n > SOT_WIRE_FRAME_MAX) {
		sot_metric_add(p->dropped, 1);
		return;
	}
	uint8_t stamp[STAMP_SIZE];
	put_u64(stamp, p->id);
	put_u64(stamp + 8, ++*last); /* counted even when the sending fails: that is a gap too */
	const sot_str heads[2] = {topic, {(const char *)stamp, sizeof(stamp)}};
	if (bus_socket_send(&p->socket, heads, 2, frame) != 0)
		sot_metric_add(p->dropped, 1);
}

const char *bus_publisher_endpoint(const bus_publisher *p)
{
	return p->socket.endpoint;
}

static void free_values(sot_map *m)
{
	sot_map_iter it = {0};
	for (void *value; (value = sot_map_next(m, &it, NULL)) != NULL;)
		free(value);
	sot_map_free(m);
}

bus_publisher *bus_publisher_free(bus_publisher *p)
{
	if (!p)
		return NULL;
	bus_socket_close(&p->socket);
	free_values(p->topics);
	free(p);
	return NULL;
}

/* ---- subscriber ---- */

struct bus_subscriber {
	bus_socket socket;
	bus_message_fn fn;
	void *self;
	sot_map *streams; /* publisher id and topic -> stream */
	sot_link oldest;  /* streams, the one heard longest ago first */
	sot_metric *gaps, *replayed;
};

typedef struct stream {
	sot_link link;
	uint64_t last;
	size_t key_n;
	char key[8 + TOPIC_BYTES_MAX];
} stream;

/* The stream of this publisher and topic. At the ceiling the one that was silent longest goes. */
static stream *find_stream(bus_subscriber *s, sot_str topic, const char *publisher_id)
{
	char key[8 + TOPIC_BYTES_MAX];
	memcpy(key, publisher_id, 8);
	memcpy(key + 8, topic.p, topic.n);
	size_t key_n = 8 + topic.n;
	stream *t = sot_map_get(s->streams, key, key_n);
	if (t) {
		sot_list_remove(&t->link);
	} else {
		if (sot_map_count(s->streams) >= STREAMS_MAX) {
			t = SOT_CONTAINER(s->oldest.next, stream, link);
			sot_list_remove(&t->link);
			sot_map_remove(s->streams, t->key, t->key_n);
			free(t);
		}
		t = sot_alloc(sizeof(*t));
		memcpy(t->key, key, key_n);
		t->key_n = key_n;
		sot_map_set(s->streams, key, key_n, t);
	}
	sot_list_push(&s->oldest, &t->link);
	return t;
}

/* False for a message that is not newer than what was heard. The first of a stream has no gap: the
 * subscriber reads the whole state when it starts anyway. */
static bool advance(bus_subscriber *s, sot_str topic, const char *stamp, uint64_t *ret_gap)
{
	uint64_t seq = get_u64(stamp + 8);
	stream *t = find_stream(s, topic, stamp);
	if (seq <= t->last) {
		sot_metric_add(s->replayed, 1);
		return false;
	}
	*ret_gap = t->last == 0 ? 0 : seq - t->last - 1;
	t->last = seq;
	sot_metric_add(s->gaps, *ret_gap);
	return true;
}

static bool on_publication(void *self, void *zmq)
{
	(void)zmq;
	bus_subscriber *s = self;
	bus_message m;
	char identity[BUS_IDENTITY_MAX] = "";
	bus_received received = bus_receive(&s->socket, 3, &m);
	bool ok = received == BUS_WHOLE;
	if (ok && s->socket.bound) {
		const char *sender = bus_sender(&s->socket, &m);
		ok = sender != NULL;
		if (ok)
			memcpy(identity, sender, strlen(sender) + 1);
	}
	if (ok) {
		sot_str topic = bus_part(&m, 0), stamp = bus_part(&m, 1), frame = bus_part(&m, 2);
		uint64_t gap = 0;
		if (topic.n > TOPIC_BYTES_MAX || stamp.n != STAMP_SIZE ||
		    sot_wire_precheck(frame, NULL) != SOT_OK)
			sot_metric_add(s->socket.metrics.malformed, 1);
		else if (advance(s, topic, stamp.p, &gap))
			s->fn(s->self, identity, topic, frame, gap); /* may free s */
	}
	bus_message_clear(&m);
	return received != BUS_NOTHING;
}

static void destroy_subscriber(bus_socket *socket)
{
	bus_subscriber_free(SOT_CONTAINER(socket, bus_subscriber, socket));
}

sot_code bus_subscriber_new(bus *b, const char *name, const char *endpoint, bool bind,
    const char *server_public_key, sot_str topic_prefix, bus_message_fn fn, void *self,
    bus_subscriber **ret, sot_err *err)
{
	bus_subscriber *s = sot_alloc(sizeof(*s));
	const bus_socket_config config = {.type = ZMQ_SUB,
	    .name = name,
	    .endpoint = endpoint,
	    .bind = bind,
	    .server_key = server_public_key,
	    .topic_prefix = topic_prefix,
	    .on_readable = on_publication,
	    .destroy = destroy_subscriber};
	sot_code code = bus_socket_open(b, &config, s, &s->socket, err);
	if (code != SOT_OK) {
		free(s);
		return code;
	}
	s->fn = fn;
	s->self = self;
	s->streams = sot_map_new();
	sot_list_init(&s->oldest);
	s->gaps = sot_counter("sot_bus_missed_total", s->socket.labels, "Publications missed.");
	s->replayed = sot_counter("sot_bus_replayed_total", s->socket.labels,
	    "Publications dropped: not newer than the last.");
	*ret = s;
	return SOT_OK;
}

const char *bus_subscriber_endpoint(const bus_subscriber *s)
{
	return s->socket.endpoint;
}

bus_subscriber *bus_subscriber_free(bus_subscriber *s)
{
	if (!s)
		return NULL;
	bus_socket_close(&s->socket);
	free_values(s->streams);
	free(s);
	return NULL;
}
