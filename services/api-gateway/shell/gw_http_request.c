/* The request's side of gw_http: its phases, its body, its reply. */
#include "gw_http_internal.h"

#include "gw_policy.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void read_peer(gw_request *q)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info == NULL || info->client_addr == NULL || info->client_addr->sa_family != AF_INET)
		return;
	(void)inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)info->client_addr)->sin_addr, q->peer,
	    sizeof(q->peer));
}

gw_request *gw_request_new(gw_http *h, struct MHD_Connection *connection, const char *target)
{
	gw_request *q = sot_alloc(sizeof(*q));
	sot_str query;
	q->http = h;
	q->connection = connection;
	q->target = sot_strdup(target);
	q->path = sot_str_cut(sot_str_c(q->target), '?', &query);
	sot_buf_init(&q->body, 0);
	read_peer(q);
	sot_list_push(&h->requests, &q->link);
	h->open++;
	return q;
}

gw_request *gw_request_free(gw_request *q)
{
	sot_list_remove(&q->link);
	q->http->open--;
	q->reply = gw_reply_free(q->reply);
	if (q->upgraded != NULL) { /* it was not opened yet */
		reactor_undefer(q->http->loop, q->upgraded);
		free(q->upgraded->head);
		free(q->upgraded);
	}
	sot_buf_clear(&q->body);
	free(q->target);
	free(q);
	return NULL;
}

typedef struct headers {
	gw_header items[GW_HEADERS_MAX];
	size_t count;
} headers;

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name,
    size_t name_n, const char *value, size_t value_n)
{
	headers *h = cls;
	(void)kind;
	if (h->count < GW_HEADERS_MAX)
		h->items[h->count++] = (gw_header){{name, name_n}, {value, value_n}};
	return MHD_YES;
}

static sot_code check_head(gw_request *q, const char *method, const char *version, sot_err *err)
{
	headers found = {.count = 0};
	const union MHD_ConnectionInfo *size =
	    MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	gw_head head = {.method = sot_str_c(method),
	    .target = sot_str_c(q->target),
	    .version = sot_str_c(version),
	    .headers = found.items,
	    .size_bytes = size != NULL ? size->header_size : 0};
	(void)MHD_get_connection_values_n(q->connection, MHD_HEADER_KIND, add_header, &found);
	head.header_count = found.count;
	return gw_policy_check(&head, err);
}

/* 0 for what is no number: the header policy refuses that right after. */
static uint64_t length_of(sot_str text)
{
	uint64_t value = 0;
	return sot_parse_u64(text, 0, UINT64_MAX, &value, NULL) == SOT_OK ? value : 0;
}

static void learn_body(gw_request *q)
{
	sot_str length = gw_request_header(q, "Content-Length");
	q->declared_bytes = length_of(length);
	q->has_body = q->declared_bytes > 0 || gw_request_header(q, "Transfer-Encoding").n > 0;
	q->expects_continue = gw_request_header(q, "Expect").n > 0;
}

static enum MHD_Result queue(gw_request *q)
{
	gw_reply *reply = q->reply;
	q->phase = PHASE_SENT;
	q->pace_s = 0;
	q->moved_bytes = reply->size_bytes;
	if (q->http->leaving)
		gw_reply_header(reply, "Connection", "close");
	return MHD_queue_response(q->connection, (unsigned)reply->status, reply->response);
}

/* A reply is there before the body is: let the client send what it is sending, then answer, or it
 * would see a reset connection instead of the reason. */
static enum MHD_Result answer_early(gw_request *q)
{
	if (!q->has_body || q->expects_continue || q->declared_bytes > GW_HTTP_DRAIN_MAX)
		return queue(q);
	q->phase = PHASE_DRAIN;
	return MHD_YES;
}

static enum MHD_Result wait_or(gw_request *q, enum MHD_Result (*go_on)(gw_request *q))
{
	if (q->decided)
		return go_on(q);
	q->suspended = true;
	MHD_suspend_connection(q->connection);
	return MHD_YES;
}

static enum MHD_Result leave_head(gw_request *q)
{
	if (q->reply != NULL)
		return answer_early(q);
	q->phase = PHASE_BODY;
	q->decided = false;
	return MHD_YES;
}

static enum MHD_Result begin(gw_request *q, const char *method, const char *version)
{
	gw_http *h = q->http;
	sot_err why = {0};
	q->method = sot_str_c(method);
	gw_http_head_complete(q->connection);
	learn_body(q);
	if (q->has_body)
		(void)MHD_set_connection_option(
		    q->connection, MHD_CONNECTION_OPTION_TIMEOUT, h->body_idle_timeout_s);
	if (check_head(q, method, version, &why) != SOT_OK) {
		h->events.on_refused(h->self, q, &why);
		gw_reply_header(q->reply, "Connection", "close");
		return queue(q);
	}
	h->events.on_head(h->self, q);
	return wait_or(q, leave_head);
}

static void take_piece(gw_request *q, sot_str piece)
{
	gw_http *h = q->http;
	q->body_bytes += piece.n;
	if (q->body_bytes > q->body_max) {
		h->events.on_too_large(h->self, q, q->body_max);
		return;
	}
	if (q->on_piece != NULL)
		q->on_piece(q->piece_self, q, piece);
	else
		sot_buf_add_str(&q->body, piece);
}

static enum MHD_Result step_body(gw_request *q, const char *data, size_t *size)
{
	if (*size > 0) {
		q->moved_bytes += *size;
		if (q->reply == NULL)
			take_piece(q, (sot_str){data, *size});
		else
			q->body_bytes += *size;
		*size = 0;
		/* Whoever goes on sending after a refusal is cut off. */
		return q->reply != NULL && q->body_bytes > q->body_max + GW_HTTP_DRAIN_MAX ? MHD_NO
		                                                                           : MHD_YES;
	}
	if (q->reply != NULL)
		return queue(q);
	q->phase = PHASE_WAIT;
	q->http->events.on_body(q->http->self, q);
	return wait_or(q, queue);
}

enum MHD_Result gw_request_step(
    gw_request *q, const char *method, const char *version, const char *data, size_t *size)
{
	if (q->http->ending || q->is_over)
		return MHD_NO;
	switch (q->phase) {
	case PHASE_HEAD:
		return q->method.p == NULL ? begin(q, method, version) : wait_or(q, leave_head);
	case PHASE_BODY:
	case PHASE_DRAIN:
		return step_body(q, data, size);
	case PHASE_WAIT:
		return wait_or(q, queue);
	case PHASE_SENT:
		break;
	}
	return MHD_YES;
}

sot_str gw_request_method(const gw_request *q)
{
	return q->method;
}

sot_str gw_request_path(const gw_request *q)
{
	return q->path;
}

sot_str gw_request_target(const gw_request *q)
{
	return sot_str_c(q->target);
}

sot_str gw_request_header(gw_request *q, const char *name)
{
	return sot_str_c(MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name));
}

bool gw_request_query(gw_request *q, const char *name, sot_str *ret)
{
	const char *value = NULL;
	size_t value_n = 0;
	if (MHD_lookup_connection_value_n(
	        q->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value, &value_n) != MHD_YES)
		return false;
	*ret = (sot_str){value, value_n};
	return true;
}

const char *gw_request_peer(const gw_request *q)
{
	return q->peer;
}

void gw_request_set_data(gw_request *q, void *data)
{
	q->data = data;
}

void *gw_request_data(const gw_request *q)
{
	return q->data;
}

static void decide(gw_request *q)
{
	q->decided = true;
	gw_http_resume(q);
}

void gw_request_read_body(gw_request *q, size_t max_bytes)
{
	q->body_max = max_bytes;
	sot_buf_init(&q->body, max_bytes);
	if (q->declared_bytes > max_bytes) {
		q->http->events.on_too_large(q->http->self, q, max_bytes);
		return;
	}
	decide(q);
}

sot_str gw_request_body(const gw_request *q)
{
	return sot_buf_str(&q->body);
}

void gw_request_stream_body(gw_request *q, uint64_t max_bytes, gw_piece_fn on_piece, void *self)
{
	q->body_max = max_bytes;
	q->on_piece = on_piece;
	q->piece_self = self;
	if (q->declared_bytes > max_bytes) {
		q->http->events.on_too_large(q->http->self, q, max_bytes);
		return;
	}
	decide(q);
}

bool gw_request_is_slow(gw_request *q)
{
	const gw_http *h = q->http;
	bool is_body = q->phase == PHASE_BODY || q->phase == PHASE_DRAIN;
	if (q->suspended || (!is_body && q->phase != PHASE_SENT) || (q->reply && q->reply->pull))
		return false;
	q->pace_s++;
	return q->pace_s > (is_body ? h->body_idle_timeout_s : h->idle_timeout_s) +
	                       q->moved_bytes / (uint64_t)h->pace_bytes_per_s;
}

void gw_reply_send(gw_request *q, gw_reply **reply_p)
{
	gw_reply *reply = SOT_TAKE(*reply_p);
	if (q->reply != NULL) { /* the first answer stands */
		(void)gw_reply_free(reply);
		return;
	}
	reply->request = q;
	q->reply = reply;
	decide(q);
}

int gw_request_status(const gw_request *q)
{
	return q->reply ? q->reply->status : 0;
}

static gw_reply *reply_of(int status, struct MHD_Response *response, const char *content_type)
{
	gw_reply *reply = sot_alloc(sizeof(*reply));
	reply->status = status;
	reply->response = response;
	if (response != NULL && content_type != NULL)
		(void)MHD_add_response_header(response, "Content-Type", content_type);
	return reply;
}

static gw_reply *in_memory(
    int status, const char *content_type, sot_str body, enum MHD_ResponseMemoryMode whose)
{
	gw_reply *reply = reply_of(status,
	    MHD_create_response_from_buffer(
	        body.n, (void *)(uintptr_t)(body.n > 0 ? body.p : ""), whose),
	    content_type);
	reply->size_bytes = body.n;
	return reply;
}

gw_reply *gw_reply_bytes(int status, const char *content_type, sot_str body)
{
	return in_memory(status, content_type, body, MHD_RESPMEM_MUST_COPY);
}

gw_reply *gw_reply_constant(int status, const char *content_type, sot_str body)
{
	return in_memory(status, content_type, body, MHD_RESPMEM_PERSISTENT);
}

/* ---- files ---- */
/* The library's own reader of files takes 4 KiB at a time, and each would be a TLS record. */
enum { FILE_BLOCK = 64 * 1024 };

typedef struct file_part {
	gw_request *request; /* it outlives the answer */
	int fd;
	uint64_t first;
} file_part;

static ssize_t read_file_part(void *cls, uint64_t position, char *dst, size_t n)
{
	const file_part *part = cls;
	ssize_t got;
	part->request->http->calls++;
	part->request->moved_bytes = position;
	do {
		got = pread(part->fd, dst, n, (off_t)(part->first + position));
	} while (got < 0 && errno == EINTR);
	return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR; /* 0: it is shorter than it was */
}

static void free_file_part(void *cls)
{
	file_part *part = cls;
	(void)close(part->fd);
	free(part);
}

gw_reply *gw_reply_file(
    gw_request *q, int status, const char *content_type, int fd, uint64_t first, uint64_t count)
{
	file_part *part = sot_alloc(sizeof(*part));
	*part = (file_part){.request = q, .fd = fd, .first = first};
	return reply_of(status,
	    MHD_create_response_from_callback(count, FILE_BLOCK, read_file_part, part, free_file_part),
	    content_type);
}

/* Each open stream holds a block; only clients of HTTP/1.0 are ever sent it, the others' chunks are
 * written where the head was. */
enum { STREAM_BLOCK = 512 };

static ssize_t pull(void *cls, uint64_t position, char *dst, size_t n)
{
	gw_reply *reply = cls;
	gw_request *q = reply->request;
	ssize_t got = q->http->ending ? GW_PULL_BROKEN : reply->pull(reply->pull_self, dst, n);
	(void)position;
	q->http->calls++;
	if (got == GW_PULL_BROKEN)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (got < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (got == 0) {
		q->suspended = true;
		MHD_suspend_connection(q->connection);
	}
	return got;
}

gw_reply *gw_reply_stream(int status, const char *content_type, gw_pull_fn fn, void *self)
{
	gw_reply *reply = reply_of(status, NULL, NULL);
	reply->pull = fn;
	reply->pull_self = self;
	reply->response =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, pull, reply, NULL);
	(void)MHD_add_response_header(reply->response, "Content-Type", content_type);
	return reply;
}

void gw_reply_header(gw_reply *reply, const char *name, const char *value)
{
	(void)MHD_add_response_header(reply->response, name, value);
}

gw_reply *gw_reply_free(gw_reply *reply)
{
	if (reply == NULL)
		return NULL;
	if (reply->response != NULL)
		MHD_destroy_response(reply->response);
	free(reply);
	return NULL;
}

void gw_request_wake(gw_request *q)
{
	if (q->phase == PHASE_SENT)
		gw_http_resume(q);
}

/* ---- a connection that is given away ---- */

/* The head is short and the connection has been silent: it goes at once, or nothing does. */
static void open_upgraded(void *self)
{
	gw_upgraded *u = self;
	size_t n = strlen(u->head);
	if (gw_upgraded_write(u, u->head, n) != (ssize_t)n)
		(void)shutdown(u->fd, SHUT_RDWR); /* the caller sees the end by reading */
	u->on_open(u->self, u);
}

void gw_request_upgrade(gw_request *q, sot_str head, gw_upgraded_fn on_open, void *self)
{
	const union MHD_ConnectionInfo *fd =
	    MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int socket_fd = fd != NULL ? fd->connect_fd : -1;
	const union MHD_ConnectionInfo *tls =
	    MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gw_upgraded *u = q->upgraded = sot_alloc(sizeof(*u));
	*u = (gw_upgraded){.request = q,
	    .tls = tls != NULL ? tls->tls_session : NULL,
	    .fd = socket_fd,
	    .on_open = on_open,
	    .self = self,
	    .head = sot_strndup(head)};
	reactor_defer(q->http->loop, open_upgraded, u);
}

int gw_upgraded_fd(const gw_upgraded *u)
{
	return u->fd;
}

static bool is_for_later(ssize_t tls_code)
{
	return tls_code == GNUTLS_E_AGAIN || tls_code == GNUTLS_E_INTERRUPTED;
}

ssize_t gw_upgraded_read(gw_upgraded *u, void *dst, size_t n)
{
	if (u->tls != NULL) {
		ssize_t got = gnutls_record_recv(u->tls, dst, n);
		return got > 0 ? got : is_for_later(got) ? 0 : -1;
	}
	ssize_t got = recv(u->fd, dst, n, MSG_DONTWAIT);
	return got > 0 ? got : got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* After "later" TLS wants the same bytes again, which is what its callers offer. */
ssize_t gw_upgraded_write(gw_upgraded *u, const void *src, size_t n)
{
	if (u->tls != NULL) {
		ssize_t sent = gnutls_record_send(u->tls, src, n);
		return sent > 0 ? sent : is_for_later(sent) ? 0 : -1;
	}
	ssize_t sent = send(u->fd, src, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent > 0 ? sent : sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

gw_upgraded *gw_upgraded_close(gw_upgraded *u)
{
	if (u != NULL) {
		gw_request *q = u->request;
		if (u->tls != NULL)
			(void)gnutls_bye(u->tls, GNUTLS_SHUT_WR);
		(void)shutdown(u->fd, SHUT_RDWR);
		q->upgraded = NULL;
		q->is_over = true;
		free(u->head);
		free(u);
		gw_http_resume(q);
	}
	return NULL;
}
