/* cat_router - reads the answer of CAT's router: which servers to send to, in order. Pure.
 *
 * Four forms are in the field: JSON and XML of 3.x (op=json, op=xml), plain "ip:port;" text, and
 * the
 * `{k=v, k=v}` of 4.x. Anything else, such as an error page, is SOT_INVALID.
 */
#ifndef MONITOR_CAT_ROUTER_H
#define MONITOR_CAT_ROUTER_H

#include "sot_str.h"

#define CAT_SERVERS_MAX 16
#define CAT_PORT 2280

typedef struct cat_server {
	uint32_t address; /* IPv4, host byte order */
	uint16_t port;
} cat_server;

typedef struct cat_server_list {
	cat_server items[CAT_SERVERS_MAX];
	size_t count;
} cat_server_list;

typedef struct cat_router_answer {
	cat_server_list servers; /* in order of preference */
	bool block;              /* the operator asks this network to stop sending */
	double sample;           /* 0..1; 1 when absent */
	bool is_4x;              /* the `{k=v}` form: a 4.x server */
} cat_router_answer;

sot_code cat_router_parse(sot_str body, cat_router_answer *ret, sot_err *err) SOT_CHECK;

/* "10.0.0.1:2280;10.0.0.2" with ';' or ',' between; the default port is 2280. An empty text is an
 * empty list. Entries past CAT_SERVERS_MAX are SOT_LIMIT. */
sot_code cat_server_list_parse(sot_str text, cat_server_list *ret, sot_err *err) SOT_CHECK;
bool cat_server_list_eq(const cat_server_list *a, const cat_server_list *b);

#endif
