#include "gw_s3.h"

#include "sot_parse.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECT_MS 5000L
#define STALLED_S 60L /* without a byte */
/* SHA-256 of nothing: the payload of every request but PUT. */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

gw_s3 gw_s3_of(const gateway_config *config)
{
	gw_s3 s = {.url = ""};

	(void)snprintf(s.url, sizeof(s.url), "%s", config->s3_url);
	(void)snprintf(s.region, sizeof(s.region), "%s", config->s3_region);
	(void)snprintf(s.keys, sizeof(s.keys), "%s", config->s3_keys);
	(void)snprintf(s.ca, sizeof(s.ca), "%s", config->s3_ca);
	return s;
}

bool gw_s3_is_on(const gw_s3 *s)
{
	return s->url[0] != '\0';
}

/* ---- one request ---- */
typedef struct transfer {
	CURL *curl;
	struct curl_slist *headers;
	char url[580], sigv4[540], error[CURL_ERROR_SIZE];
	long status;
} transfer;

static void transfer_end(transfer *t)
{
	curl_slist_free_all(t->headers);
	curl_easy_cleanup(t->curl);
}

static size_t drop(char *data, size_t size, size_t count, void *self)
{
	(void)data;
	(void)self;
	return size * count;
}

static void transfer_begin(transfer *t, const gw_s3 *s, const char *digest, const char *payload)
{
	char header[100];

	memset(t, 0, sizeof(*t));
	(void)snprintf(t->url, sizeof(t->url), "%s/%s", s->url, digest);
	(void)snprintf(t->sigv4, sizeof(t->sigv4), "aws:amz:%s:s3", s->region);
	(void)snprintf(header, sizeof(header), "x-amz-content-sha256: %s", payload);
	t->headers = curl_slist_append(NULL, header);
	t->curl = curl_easy_init();
	if (t->curl == NULL || t->headers == NULL)
		abort(); /* out of memory */
	curl_easy_setopt(t->curl, CURLOPT_URL, t->url);
	curl_easy_setopt(t->curl, CURLOPT_AWS_SIGV4, t->sigv4);
	curl_easy_setopt(t->curl, CURLOPT_USERPWD, s->keys);
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_TIME, STALLED_S);
	curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, drop);
	if (s->ca[0] != '\0')
		curl_easy_setopt(t->curl, CURLOPT_CAINFO, s->ca);
}

/* `other` is a second status that is right; 0 for none. */
static sot_code transfer_run(transfer *t, const char *what, long wanted, long other, sot_err *err)
{
	CURLcode code = curl_easy_perform(t->curl);

	if (code != CURLE_OK)
		return sot_fail(err, SOT_UNAVAILABLE, "package store: %s %s: %s", what, t->url,
		    t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->status);
	if (t->status == 404)
		return sot_fail(err, SOT_NOT_FOUND, "package store: there is no %s", t->url);
	if (t->status != wanted && t->status != other)
		return sot_fail(err, SOT_UNAVAILABLE, "package store: %s %s: status %ld%s", what, t->url,
		    t->status,
		    t->status == 403 ? "; are s3_keys and s3_region right, and this machine's clock?" : "");
	return SOT_OK;
}

/* ---- put ---- */
sot_code gw_s3_put(const gw_s3 *s, const char *digest, const char *path, sot_err *err)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	transfer t;

	if (file == NULL || fstat(fileno(file), &st) != 0) {
		(void)sot_fail_errno(err, SOT_INTERNAL, errno, "%s", path);
		if (file != NULL)
			(void)fclose(file);
		return err->code;
	}
	transfer_begin(&t, s, digest, digest);
	curl_easy_setopt(t.curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(t.curl, CURLOPT_READDATA, file);
	curl_easy_setopt(t.curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
	sot_code code = transfer_run(&t, "PUT", 200, 204, err);
	transfer_end(&t);
	(void)fclose(file);
	return code == SOT_NOT_FOUND
	           ? sot_fail(err, SOT_UNAVAILABLE, "package store: no bucket %s", s->url)
	           : code;
}

/* ---- fetch ---- */
typedef struct inflow {
	int fd;
	gnutls_hash_hd_t hash;
	bool full; /* the disk did not take it */
	CURL *curl;
} inflow;

static size_t on_bytes(char *data, size_t size, size_t count, void *self)
{
	inflow *f = self;
	size_t n = size * count, done = 0;
	long status = 0;

	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return n; /* the words of a refusal */
	(void)gnutls_hash(f->hash, data, n);
	while (done < n) {
		ssize_t m = write(f->fd, data + done, n - done);
		if (m < 0 && errno == EINTR)
			continue;
		f->full = m < 0;
		if (m < 0)
			return 0;
		done += (size_t)m;
	}
	return n;
}

static sot_code download(const gw_s3 *s, const char *digest, int fd, sot_err *err)
{
	inflow f = {.fd = fd};
	uint8_t found[GW_SHA256_N];
	char text[65];
	transfer t;

	if (gnutls_hash_init(&f.hash, GNUTLS_DIG_SHA256) != 0)
		abort(); /* GnuTLS without SHA-256: nothing here could be trusted */
	transfer_begin(&t, s, digest, EMPTY);
	f.curl = t.curl;
	curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, &f);
	sot_code code = transfer_run(&t, "GET", 200, 0, err);
	transfer_end(&t);
	gnutls_hash_deinit(f.hash, found);
	sot_hex_encode(found, sizeof(found), text);
	if (f.full)
		return sot_fail(err, SOT_LIMIT, "the disk of blobs_dir is full");
	if (code == SOT_OK && strcmp(text, digest) != 0)
		return sot_fail(err, SOT_UNAVAILABLE,
		    "package store: what came as %s has the digest %s; thrown away", digest, text);
	return code;
}

/* One request at a time fetches a blob: the others would only fetch it again. */
static sot_code open_alone(const char *path, int *ret, sot_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat here, there;

	if (fd < 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "%s", path);
	/* Who had the lock may have given the file its final name meanwhile: then it is not ours. */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &here) != 0 || stat(path, &there) != 0 ||
	    here.st_ino != there.st_ino || ftruncate(fd, 0) != 0) {
		(void)close(fd);
		return sot_fail(err, SOT_UNAVAILABLE,
		    "the package is being fetched from the package store; ask again in a second");
	}
	*ret = fd;
	return SOT_OK;
}

sot_code gw_s3_fetch(const gw_s3 *s, const char *digest, const char *folder, sot_err *err)
{
	char temporary[640], final[640];
	int fd = -1;

	(void)snprintf(temporary, sizeof(temporary), "%s/tmp/%s.s3", folder, digest);
	(void)snprintf(final, sizeof(final), "%s/%s", folder, digest);
	sot_code code = open_alone(temporary, &fd, err);
	if (code != SOT_OK)
		return code;
	code = download(s, digest, fd, err);
	if (code == SOT_OK && (fsync(fd) != 0 || rename(temporary, final) != 0))
		code = sot_fail_errno(err, SOT_INTERNAL, errno, "storing %s", final);
	if (code != SOT_OK)
		(void)unlink(temporary);
	(void)close(fd);
	return code;
}

/* ---- remove ---- */
static sot_code stored_at(const gw_s3 *s, const char *digest, int64_t *ret_unix_s, sot_err *err)
{
	curl_off_t at = -1;
	transfer t;

	transfer_begin(&t, s, digest, EMPTY);
	curl_easy_setopt(t.curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(t.curl, CURLOPT_FILETIME, 1L);
	sot_code code = transfer_run(&t, "HEAD", 200, 0, err);
	curl_easy_getinfo(t.curl, CURLINFO_FILETIME_T, &at);
	transfer_end(&t);
	*ret_unix_s = at < 0 ? INT64_MAX : at; /* of unknown age: as if it were new */
	return code;
}

sot_code gw_s3_remove(const gw_s3 *s, const char *digest, int64_t before_unix_s, sot_err *err)
{
	int64_t at = 0;
	transfer t;
	sot_code code = stored_at(s, digest, &at, err);

	if (code == SOT_NOT_FOUND || (code == SOT_OK && at >= before_unix_s))
		return SOT_OK;
	if (code != SOT_OK)
		return code;
	transfer_begin(&t, s, digest, EMPTY);
	curl_easy_setopt(t.curl, CURLOPT_CUSTOMREQUEST, "DELETE");
	code = transfer_run(&t, "DELETE", 204, 200, err);
	transfer_end(&t);
	return code == SOT_NOT_FOUND ? SOT_OK : code;
}
