/* A log-in in a browser: RFC 8252 with PKCE, by a code of the gateway's own. */
#include "log_in.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define WAIT_S 600
#define REQUEST_MAX 8192
#define REQUEST_MS 5000
#define STATE_MAX 44

extern char **environ;

static void random_text(char *dst, size_t size)
{
	unsigned char raw[32];
	randombytes_buf(raw, sizeof(raw));
	(void)sodium_bin2base64(dst, size, raw, sizeof(raw), VARIANT);
}

/* ---- the address ---- */
static cli_exit has_provider(const cli_call *call)
{
	cli_request q = {.method = "GET", .path = "/v1/log-in"};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && !json_is_object(cli_at(reply.json, "oidc"))) {
		cli_say(
		    "error: %s has no OpenID provider; log in with a password, without --oidc", call->url);
		result = CLI_USAGE;
	}
	cli_reply_clear(&reply);
	return result;
}

static void make_address(
    const cli_call *call, const char *verifier, const char *state, unsigned port, sot_buf *ret)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char challenge[64], back[200];
	int n;
	(void)crypto_hash_sha256(digest, (const unsigned char *)verifier, strlen(verifier));
	(void)sodium_bin2base64(challenge, sizeof(challenge), digest, sizeof(digest), VARIANT);
	n = snprintf(back, sizeof(back), "/v1/log-in/cli?challenge=%s&state=%s", challenge, state);
	if (port > 0)
		(void)snprintf(back + n, sizeof(back) - (size_t)n, "&port=%u", port);
	char *escaped = cli_escape(back);
	sot_buf_printf(ret, "%s/v1/log-in/oidc?back=%s", call->url, escaped);
	sot_buf_add_char(ret, '\0');
	free(escaped);
}

static bool is_desktop(void)
{
	return getenv("DISPLAY") != NULL || getenv("WAYLAND_DISPLAY") != NULL;
}

/* What comes of it does not matter: the address was printed. */
static void open_browser(const char *address)
{
	const char *argv[] = {"xdg-open", address, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	(void)posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++)
		(void)posix_spawn_file_actions_addopen(
		    &actions, fd, "/dev/null", fd == 0 ? O_RDONLY : O_WRONLY, 0);
	(void)posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	(void)posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
}

/* ---- the port that the browser is led to ---- */
static int open_port(unsigned *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
		cli_say("error: no port of 127.0.0.1: %s; --paste needs none", strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* The head of a request; "" when none comes in time. */
static void read_head(int fd, char dst[REQUEST_MAX])
{
	struct pollfd p = {fd, POLLIN, 0};
	size_t n = 0;
	dst[0] = '\0';
	while (n + 1 < REQUEST_MAX && strstr(dst, "\r\n\r\n") == NULL && poll(&p, 1, REQUEST_MS) == 1) {
		ssize_t got = recv(fd, dst + n, REQUEST_MAX - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		dst[n] = '\0';
	}
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* The value of a parameter in "GET /?a=x&b=y HTTP/1.1"; false: it is not there, or too long. */
static bool parameter(const char *head, const char *name, char *dst, size_t size)
{
	char key[32];
	size_t n = 0;
	(void)snprintf(key, sizeof(key), "%s=", name);
	const char *line_end = strstr(head, " HTTP/"), *at = strchr(head, '?');
	while (at != NULL && at < line_end && strncmp(at + 1, key, strlen(key)) != 0)
		at = strchr(at + 1, '&');
	if (at == NULL || line_end == NULL || at >= line_end)
		return false;
	for (at += 1 + strlen(key); at < line_end && *at != '&'; at++) {
		char c = *at;
		if (c == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0) {
			c = (char)(hex_digit(at[1]) * 16 + hex_digit(at[2]));
			at += 2;
		}
		if (n + 1 >= size)
			return false;
		dst[n++] = c;
	}
	dst[n] = '\0';
	return n > 0;
}

static void answer(int fd, const char *status, const char *text)
{
	char page[1024];
	int n = snprintf(page, sizeof(page),
	    "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s",
	    status, strlen(text), text);
	(void)send(fd, page, (size_t)n, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
}

/* Whoever else comes to the port - a browser that wants an icon, another log-in - is sent away. */
static bool take_visit(int fd, const char *state, log_in_code *ret)
{
	char head[REQUEST_MAX], told[STATE_MAX];
	bool is_ours;
	read_head(fd, head);
	is_ours = strncmp(head, "GET /?", 6) == 0 && parameter(head, "state", told, sizeof(told)) &&
	          strlen(told) == strlen(state) && sodium_memcmp(told, state, strlen(state)) == 0 &&
	          parameter(head, "code", ret->code, sizeof(ret->code));
	answer(fd, is_ours ? "200 OK" : "404 Not Found",
	    is_ours
	        ? "<!doctype html><title>sotalia</title><p>You are logged in. Go on in the terminal; "
	          "this page can be closed."
	        : "<!doctype html><title>sotalia</title><p>Nothing is here.");
	return is_ours;
}

static cli_exit wait_for_code(int port_fd, const char *state, log_in_code *ret)
{
	struct pollfd p = {port_fd, POLLIN, 0};
	for (int s = 0; s < WAIT_S && !cli_interrupted(); s++) {
		if (poll(&p, 1, 1000) != 1)
			continue;
		int fd = accept4(port_fd, NULL, NULL, SOCK_CLOEXEC);
		bool is_done = fd >= 0 && take_visit(fd, state, ret);
		if (fd >= 0)
			(void)close(fd);
		if (is_done)
			return CLI_OK;
	}
	cli_say("error: nobody has logged in; begin again");
	return cli_interrupted() ? CLI_DETACHED : CLI_TIMED_OUT;
}

static cli_exit ask_for_code(log_in_code *ret)
{
	if (isatty(STDIN_FILENO) == 1)
		(void)fprintf(stderr, "code: ");
	if (fgets(ret->code, sizeof(ret->code), stdin) == NULL)
		ret->code[0] = '\0';
	ret->code[strcspn(ret->code, "\r\n")] = '\0';
	if (ret->code[0] != '\0')
		return CLI_OK;
	cli_say("error: there is no code; begin again");
	return CLI_USAGE;
}

cli_exit log_in_by_browser(const cli_call *call, bool pasted, log_in_code *ret)
{
	char state[STATE_MAX];
	unsigned port = 0;
	int fd = -1;
	cli_exit result = sodium_init() >= 0 ? has_provider(call) : CLI_FAILED;
	SOT_AUTO_BUF address;
	sot_buf_init(&address, 8192);
	*ret = (log_in_code){{0}, {0}};
	if (result != CLI_OK)
		return result;
	random_text(ret->verifier, sizeof(ret->verifier));
	random_text(state, sizeof(state));
	if (!pasted && (fd = open_port(&port)) < 0)
		return CLI_FAILED;
	make_address(call, ret->verifier, state, port, &address);
	cli_say("log in at this address, in a browser %s:\n\n%s\n",
	    pasted ? "anywhere, and paste the code that it shows" : "on this machine (else: --paste)",
	    address.p);
	if (!pasted && is_desktop())
		open_browser(address.p);
	result = pasted ? ask_for_code(ret) : wait_for_code(fd, state, ret);
	if (fd >= 0)
		(void)close(fd);
	return result;
}
