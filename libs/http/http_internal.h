/* http_internal - what the files of libs/http share. Not for users of the library. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "http_client.h"
#include "sot_map.h"
#include "sot_metrics.h"

#include <curl/curl.h>

struct http_client {
	reactor *r;
	CURLM *multi;
	reactor_watch *timer;
	sot_link calls; /* open ones, in any state */
	size_t open;
	int home_netns_fd;
	/* libcurl is on the stack: its multi must not be called again (it would refuse). */
	bool in_curl;
	sot_metric *open_gauge, *failed, *duration;
};

struct http_call {
	sot_link link;
	http_client *c;
	CURL *easy;
	struct curl_slist *headers;
	bool attached; /* to the multi */
	bool cancelled;
	http_done_fn done;
	void *self;
	void (*on_data)(void *self, sot_str piece);
	int output_fd, netns_fd;
	size_t body_max, received;
	sot_buf body;
	sot_err failure; /* of a callback; code SOT_OK when none */
	char curl_text[CURL_ERROR_SIZE];
	/* the reply, once it is there */
	sot_code code;
	sot_err why;
	int status;
	double total_ms;
};

/* Sets the options of a new handle from the request. */
sot_code http_call_prepare(http_call *call, const http_request *q, sot_err *err) SOT_CHECK;
/* Fills code, why, status and total_ms of the call from libcurl's outcome. */
void http_call_conclude(http_call *call, CURLcode outcome);

#endif
