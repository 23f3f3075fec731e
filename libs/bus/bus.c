/* The bus of a process: its ZeroMQ context, its key and the list of the peers it talks to. */
#include "bus_internal.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOCKETS_OF_A_CONNECTION = 3 }; /* itself, its monitor, the other end of that */

static sot_code new_context(int connections, void **ret, sot_err *err)
{
	if (zmq_has("curve") != 1)
		return sot_fail(err, SOT_INTERNAL, "this libzmq was built without CURVE");
	void *context = zmq_ctx_new();
	if (!context)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "cannot make a ZeroMQ context");
	zmq_ctx_set(context, ZMQ_IO_THREADS, 1);
	if (connections > 0)
		zmq_ctx_set(context, ZMQ_MAX_SOCKETS, SOCKETS_OF_A_CONNECTION * connections);
	*ret = context;
	return SOT_OK;
}

static bool has_key(const void *item, sot_str key)
{
	const allowed_peer *peer = item;
	return sot_str_eq_c(key, peer->key);
}

static bool has_identity(const void *item, sot_str key)
{
	const allowed_peer *peer = item;
	return sot_str_eq_c(key, peer->identity);
}

static void free_peer(allowed_peer *peer)
{
	sot_list_remove(&peer->all);
	free(peer);
}

static bus *new_bus(reactor *r, void *context, const bus_keypair *keys)
{
	bus *b = sot_alloc(sizeof(*b));
	b->r = r;
	b->context = context;
	b->keys = *keys;
	b->by_key = sot_index_new(has_key);
	b->by_identity = sot_index_new(has_identity);
	sot_list_init(&b->allowed);
	sot_list_init(&b->sockets);
	uint64_t seed;
	sot_rand_bytes(&seed, sizeof(seed));
	sot_rand_seed(&b->rand, seed);
	/* Between 2^62 and 2^63: no epoch, time or counter that a push begins with is ever in the range
	 * of ids given out, which is how a late reply is told from a push. */
	sot_rand_bytes(&b->first_request_id, sizeof(b->first_request_id));
	b->first_request_id = (b->first_request_id >> 2) | (UINT64_C(1) << 62);
	b->next_request_id = b->first_request_id;
	b->zap_allowed = sot_counter("sot_bus_zap_allowed_total", NULL, "Handshakes of known keys.");
	b->zap_refused = sot_counter("sot_bus_zap_refused_total", NULL, "Handshakes refused.");
	return b;
}

sot_code bus_new(reactor *r, const bus_keypair *keys, bus **ret, sot_err *err)
{
	void *context = NULL;
	sot_code code = new_context(0, &context, err);
	if (code != SOT_OK)
		return code;
	bus *b = new_bus(r, context, keys);
	code = bus_zap_open(b, err);
	if (code != SOT_OK) {
		bus_free(b);
		return code;
	}
	*ret = b;
	return SOT_OK;
}

sot_code bus_crowd_new(reactor *r, int connections, bus **ret, sot_err *err)
{
	static const bus_keypair none;
	void *context = NULL;
	sot_code code = new_context(connections, &context, err);
	if (code == SOT_OK)
		*ret = new_bus(r, context, &none);
	return code;
}

sot_code bus_join(bus *crowd, const bus_keypair *keys, bus **ret, sot_err *err)
{
	if (crowd->crowd)
		return sot_fail(err, SOT_INVALID, "who joined a crowd is none itself");
	*ret = new_bus(crowd->r, crowd->context, keys);
	(*ret)->crowd = crowd;
	return SOT_OK;
}

bus *bus_free(bus *b)
{
	if (!b)
		return NULL;
	while (!sot_list_empty(&b->sockets)) {
		bus_socket *s = SOT_CONTAINER(b->sockets.next, bus_socket, link);
		s->destroy(s);
	}
	/* After the listeners: a handshake that is under way now gets no answer, and so fails. */
	bus_zap_close(b);
	if (!b->crowd)
		zmq_ctx_term(b->context);
	while (!sot_list_empty(&b->allowed))
		free_peer(SOT_CONTAINER(b->allowed.next, allowed_peer, all));
	sot_index_free(b->by_key);
	sot_index_free(b->by_identity);
	explicit_bzero(&b->keys, sizeof(b->keys));
	free(b);
	return NULL;
}

uint64_t bus_next_request_id(bus *b)
{
	return b->next_request_id++;
}

/* ---- the allow list ---- */

const allowed_peer *bus_find_key(const bus *b, const char *key)
{
	return key ? sot_index_get(b->by_key, sot_str_c(key)) : NULL;
}

bool bus_identity_is_allowed(const bus *b, const char *identity)
{
	return sot_index_get(b->by_identity, sot_str_c(identity)) != NULL;
}

/* Another key may have taken the identity since: that one stays. */
static void forget_identity(bus *b, const allowed_peer *peer)
{
	if (sot_index_get(b->by_identity, sot_str_c(peer->identity)) == peer)
		sot_index_remove(b->by_identity, sot_str_c(peer->identity));
}

void bus_allow(bus *b, const char *public_key, const char *identity)
{
	assert(strlen(public_key) == BUS_KEY_TEXT - 1 && strlen(identity) < BUS_IDENTITY_MAX);
	allowed_peer *peer = sot_index_get(b->by_key, sot_str_c(public_key));
	if (peer)
		bus_deny(b, public_key);
	size_t identity_size = strlen(identity) + 1;
	peer = sot_alloc(sizeof(*peer) + identity_size);
	memcpy(peer->key, public_key, BUS_KEY_TEXT);
	memcpy(peer->identity, identity, identity_size);
	sot_list_push(&b->allowed, &peer->all);
	sot_index_set(b->by_key, sot_str_c(peer->key), peer);
	sot_index_set(b->by_identity, sot_str_c(peer->identity), peer);
}

void bus_deny(bus *b, const char *public_key)
{
	allowed_peer *peer = sot_index_remove(b->by_key, sot_str_c(public_key));
	if (!peer)
		return;
	forget_identity(b, peer);
	free_peer(peer);
}

static sot_code allow_service(bus *b, const char *dir, sot_str service, sot_err *err)
{
	char path[4096], identity[BUS_IDENTITY_MAX], key[BUS_KEY_TEXT];
	int path_n = snprintf(path, sizeof(path), "%s/%.*s.pub", dir, SOT_ARG(service));
	int identity_n = snprintf(identity, sizeof(identity), "svc:%.*s", SOT_ARG(service));
	if (path_n >= (int)sizeof(path) || identity_n >= (int)sizeof(identity))
		return sot_fail(
		    err, SOT_INVALID, "the name of %s/%.*s.pub is too long", dir, SOT_ARG(service));
	sot_code code = bus_public_key_load(path, key, err);
	if (code == SOT_OK)
		bus_allow(b, key, identity);
	return code;
}

sot_code bus_allow_services(bus *b, const char *dir, sot_err *err)
{
	DIR *folder = opendir(dir);
	if (!folder)
		return sot_fail_errno(err, errno == ENOENT ? SOT_NOT_FOUND : SOT_UNAVAILABLE, errno,
		    "cannot read the services' public keys in %s", dir);
	sot_code code = SOT_OK;
	const struct dirent *entry;
	while (code == SOT_OK && (entry = readdir(folder)) != NULL) {
		size_t n = strlen(entry->d_name);
		if (n > 4 && strcmp(entry->d_name + n - 4, ".pub") == 0)
			code = allow_service(b, dir, (sot_str){entry->d_name, n - 4}, err);
	}
	closedir(folder);
	return code;
}
