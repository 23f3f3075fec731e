/* Follows the platform's events over Server-Sent Events with libcurl: every number once and in
 * order, whatever dies meanwhile.
 *
 *   cc -o sse_follow sse_follow.c -lcurl
 *   SOTALIA_TOKEN=sot_... ./sse_follow AFTER URL...
 *
 * AFTER is the last position that you have handled ("<stream>.<number>", or a number; keep it where
 * you keep what you made of the events). CURL_CA_BUNDLE names the certificate of a private
 * authority. Prints a line an event: number, kind.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct follower {
	char position[96], id[96], kind[80], line[65536];
	size_t n;
	unsigned long long last;
	int has_data;
} follower;

static unsigned long long number_of(const char *position)
{
	const char *dot = strchr(position, '.');
	unsigned long long number = 0;
	for (const char *p = dot != NULL ? dot + 1 : position; *p >= '0' && *p <= '9'; p++)
		number = number * 10 + (unsigned long long)(*p - '0');
	return number;
}

/* An empty line ends an event. */
static void take_event(follower *f)
{
	unsigned long long number = number_of(f->id);
	if (f->id[0] != '\0') {
		if (strcmp(f->kind, "reset") == 0)
			printf(
			    "reset %llu\n", number); /* read the lists (GET /v1/apps, ...) here, then go on */
		else if (f->has_data && number > f->last)
			printf("%llu %s\n", number, f->kind);
		fflush(stdout);
		memcpy(f->position, f->id, sizeof(f->position));
		f->last = number;
	}
	f->id[0] = f->kind[0] = '\0';
	f->has_data = 0;
}

static void take_line(follower *f)
{
	if (f->n == 0)
		take_event(f);
	else if (strncmp(f->line, "id: ", 4) == 0)
		snprintf(f->id, sizeof(f->id), "%s", f->line + 4);
	else if (strncmp(f->line, "event: ", 7) == 0)
		snprintf(f->kind, sizeof(f->kind), "%s", f->line + 7);
	else if (strncmp(f->line, "data: ", 6) == 0)
		f->has_data = 1; /* the CloudEvent is f->line + 6 */
	f->n = 0;
}

static size_t on_piece(char *text, size_t size, size_t n, void *self)
{
	follower *f = self;
	for (size_t i = 0; i < size * n; i++) {
		if (text[i] == '\n') {
			f->line[f->n] = '\0';
			take_line(f);
		} else if (f->n < sizeof(f->line) - 1) {
			f->line[f->n++] = text[i];
		}
	}
	return size * n;
}

static void follow(follower *f, const char *base)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = NULL;
	char url[512], text[512];
	f->n = 0;
	f->id[0] = f->kind[0] = '\0';
	f->has_data = 0;
	snprintf(url, sizeof(url), "%s/v1/events/stream", base);
	snprintf(text, sizeof(text), "Authorization: Bearer %s", getenv("SOTALIA_TOKEN"));
	headers = curl_slist_append(headers, text);
	snprintf(text, sizeof(text), "Last-Event-ID: %s", f->position);
	headers = curl_slist_append(headers, text);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_piece);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	if (getenv("CURL_CA_BUNDLE") != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("CURL_CA_BUNDLE"));
	/* Nothing for 40 seconds, not even a heartbeat: the connection is dead. */
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 40L);
	fprintf(stderr, "%s: %s\n", base, curl_easy_strerror(curl_easy_perform(curl)));
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

int main(int argc, char **argv)
{
	static follower f;
	const struct timespec pause = {.tv_nsec = 500000000};
	if (argc < 3 || getenv("SOTALIA_TOKEN") == NULL)
		return 64;
	snprintf(f.position, sizeof(f.position), "%s", argv[1]);
	f.last = number_of(f.position);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	for (int i = 0;; i++) {
		follow(&f, argv[2 + i % (argc - 2)]);
		nanosleep(&pause, NULL);
	}
}
