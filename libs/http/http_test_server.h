/* http_test_server - a small real HTTP server in the reactor, for the tests of libs/http: reads a
 * head and the body that it declares, then says the line it was given.
 */
#ifndef HTTP_TEST_SERVER_H
#define HTTP_TEST_SERVER_H

#include "reactor.h"

enum { CONNECTIONS_MAX = 8 };

typedef struct server server;
typedef struct connection {
	server *s;
	int fd;
	reactor_watch *watch;
	sot_buf in;
} connection;

struct server {
	reactor *r;
	int fd;
	reactor_watch *watch;
	char url[160];
	const char *answer; /* NULL: never answers */
	size_t filler;      /* bytes of 'x' after it */
	bool closes;        /* after the answer */
	int accepted, requests;
	char last_request[2048];
	connection connections[CONNECTIONS_MAX];
};

/* A socket bound to a free port of 127.0.0.1, not listening yet. */
int bind_tcp(uint16_t *ret_port);
/* Listens on fd and answers. The caller closes connections, watch and fd. */
void serve(server *s, reactor *r, int fd);
void connection_close(connection *k);

#endif
