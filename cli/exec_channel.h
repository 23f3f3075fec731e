/* exec_channel - the connection of `sotalia exec`: TLS and the proxy's way by libcurl, WebSocket on
 * top. One at a time; its reads and writes never wait.
 */
#ifndef EXEC_CHANNEL_H
#define EXEC_CHANNEL_H

#include "cli.h"
#include "exec_frame.h"

typedef struct exec_channel exec_channel;
typedef void (*exec_channel_fn)(void *self, const exec_frame *f);
/* Opens it; `path` with its query. CLI_OK, or why not, which was said unless `quiet`. */
cli_exit exec_channel_open(const cli_call *call, const char *path, bool quiet,
    exec_channel_fn on_frame, void *self, exec_channel **ret);
int exec_channel_fd(const exec_channel *c);
bool exec_channel_wants_write(const exec_channel *c);
/* Each false: the connection is over. */
bool exec_channel_receive(exec_channel *c);
bool exec_channel_send(exec_channel *c, const exec_frame *f);
bool exec_channel_flush(exec_channel *c);
/* Milliseconds since anything was heard. */
int64_t exec_channel_silent_ms(const exec_channel *c);
exec_channel *exec_channel_free(exec_channel *c);

#endif
