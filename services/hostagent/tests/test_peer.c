#include "test_peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void on_input(void *self, int fd, int events)
{
	test_peer *p = self;
	char bytes[512];
	(void)events;
	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n <= 0) {
		reactor_stop(p->loop);
		return;
	}
	sot_buf_add(&p->input, bytes, (size_t)n);
	for (char *end; p->input.n > 0 && (end = memchr(p->input.p, '\n', p->input.n)) != NULL;) {
		size_t length = (size_t)(end - p->input.p);
		p->take_line(p->self, (sot_str){p->input.p, length});
		sot_buf_consume(&p->input, length + 1);
		(void)fflush(stdout);
	}
}

static sot_code serve(test_peer *p, char **argv, sot_err *err)
{
	bus_keypair keys;
	SOT_AUTO(reactor) loop = NULL;
	SOT_AUTO(bus) b = NULL;
	sot_code code = bus_keypair_load(argv[1], &keys, err);
	if (code == SOT_OK)
		code = reactor_new(&loop, err);
	if (code == SOT_OK)
		code = bus_new(loop, &keys, &b, err);
	if (code != SOT_OK)
		return code;
	p->loop = loop;
	bus_allow(b, argv[3], "host:test");
	code = bus_listen(b, "agents", argv[2], p->on_frame, p->self, &p->server, err);
	if (code != SOT_OK)
		return code;
	(void)reactor_add_fd(loop, STDIN_FILENO, REACTOR_READ, on_input, p);
	return reactor_run(loop, err);
}

int test_peer_run(test_peer *p, char **argv)
{
	sot_err err = {0};
	p->arena = sot_arena_new(8 * 1024 * 1024);
	sot_buf_init(&p->input, 65536);
	sot_code code = serve(p, argv, &err);
	if (code != SOT_OK)
		(void)fprintf(stderr, "%s: %s\n", p->name, err.text);
	p->arena = sot_arena_free(p->arena);
	sot_buf_clear(&p->input);
	return code == SOT_OK ? 0 : 1;
}
