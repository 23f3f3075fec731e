/* Packages in an S3-compatible store: stored, fetched, checked, removed.
 *
 * Against s3_server.py, which checks signatures by itself; or against a store that is given by
 * S3_URL, S3_REGION and S3_KEYS.
 */
#include "gw_s3.h"

#include "s3_bucket.h"

#include "sot_file.h"
#include "sot_parse.h"
#include "test_folder.h"

#include <gnutls/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static gw_s3 bucket;
static char folder[] = "/tmp/gw_s3_test.XXXXXX";
static bool is_own; /* the server of the test */

static int setup(void **state)
{
	char path[64];

	(void)state;
	is_own = getenv("S3_URL") == NULL;
	if (is_own) {
		char url[80];
		s3_bucket_start(0, url);
		(void)snprintf(bucket.url, sizeof(bucket.url), "%s", url);
		(void)snprintf(bucket.region, sizeof(bucket.region), S3_BUCKET_REGION);
		(void)snprintf(bucket.keys, sizeof(bucket.keys), S3_BUCKET_KEYS);
	} else {
		(void)snprintf(bucket.url, sizeof(bucket.url), "%s", getenv("S3_URL"));
		(void)snprintf(bucket.region, sizeof(bucket.region), "%s", getenv("S3_REGION"));
		(void)snprintf(bucket.keys, sizeof(bucket.keys), "%s", getenv("S3_KEYS"));
	}
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/tmp", folder);
	return mkdir(path, 0700);
}

static int teardown(void **state)
{
	(void)state;
	if (is_own)
		s3_bucket_stop();
	return test_folder_remove(folder);
}

/* A file of that text (and a MiB behind it) and its digest. */
static void make(const char *text, char path[64], char digest[65])
{
	uint8_t raw[32];
	static char content[1024 * 1024];

	memset(content, 'x', sizeof(content));
	memcpy(content, text, strlen(text));
	(void)snprintf(path, 64, "%s/source", folder);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, sizeof(content), f), sizeof(content));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, content, sizeof(content), raw), 0);
	sot_hex_encode(raw, sizeof(raw), digest);
}

static bool is_here(const char *digest)
{
	char path[160];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, digest);
	return stat(path, &st) == 0 && st.st_size == 1024 * 1024;
}

static void what_was_stored_is_fetched_and_removed(void **state)
{
	char path[64], digest[65];
	sot_err err = {0};

	(void)state;
	make("first", path, digest);
	assert_int_equal(gw_s3_fetch(&bucket, digest, folder, &err), SOT_NOT_FOUND);
	assert_int_equal(gw_s3_put(&bucket, digest, path, &err), SOT_OK);
	assert_int_equal(gw_s3_put(&bucket, digest, path, &err), SOT_OK); /* the same again */
	assert_false(is_here(digest));
	assert_int_equal(gw_s3_fetch(&bucket, digest, folder, &err), SOT_OK);
	assert_true(is_here(digest));
	/* Stored just now: somebody's new upload, and it stays. */
	assert_int_equal(gw_s3_remove(&bucket, digest, (int64_t)time(NULL) - 3600, &err), SOT_OK);
	assert_int_equal(gw_s3_fetch(&bucket, digest, folder, &err), SOT_OK);
	assert_int_equal(gw_s3_remove(&bucket, digest, (int64_t)time(NULL) + 3600, &err), SOT_OK);
	assert_int_equal(gw_s3_fetch(&bucket, digest, folder, &err), SOT_NOT_FOUND);
	assert_int_equal(gw_s3_remove(&bucket, digest, (int64_t)time(NULL) + 3600, &err), SOT_OK);
}

static void a_wrong_secret_is_refused_and_said(void **state)
{
	gw_s3 wrong = bucket;
	char path[64], digest[65];
	sot_err err = {0};

	(void)state;
	if (!is_own)
		skip(); /* s3rver takes any secret */
	make("second", path, digest);
	(void)snprintf(wrong.keys, sizeof(wrong.keys), "access:wrong");
	assert_int_equal(gw_s3_put(&wrong, digest, path, &err), SOT_UNAVAILABLE);
	assert_non_null(strstr(err.text, "status 403; are s3_keys"));
	assert_int_equal(gw_s3_fetch(&bucket, digest, folder, &err), SOT_NOT_FOUND);
}

static void what_comes_damaged_is_thrown_away(void **state)
{
	char path[64], digest[65], name[32];
	sot_err err = {0};

	(void)state;
	if (!is_own)
		skip(); /* only the test's own server damages */
	for (int k = 0; k < 4000; k++) {
		(void)snprintf(name, sizeof(name), "damaged %d", k);
		make(name, path, digest);
		if (strncmp(digest, "ba", 2) == 0)
			break;
	}
	assert_int_equal(gw_s3_put(&bucket, digest, path, &err), SOT_OK);
	assert_int_equal(gw_s3_fetch(&bucket, digest, folder, &err), SOT_UNAVAILABLE);
	assert_non_null(strstr(err.text, "thrown away"));
	assert_false(is_here(digest));
}

static void a_store_that_is_away_is_said(void **state)
{
	gw_s3 away = bucket;
	char path[64], digest[65];
	sot_err err = {0};

	(void)state;
	make("third", path, digest);
	(void)snprintf(away.url, sizeof(away.url), "http://127.0.0.1:1/packages");
	assert_int_equal(gw_s3_put(&away, digest, path, &err), SOT_UNAVAILABLE);
	assert_int_equal(gw_s3_fetch(&away, digest, folder, &err), SOT_UNAVAILABLE);
	assert_int_equal(gw_s3_remove(&away, digest, INT64_MAX, &err), SOT_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_stored_is_fetched_and_removed),
	    cmocka_unit_test(a_wrong_secret_is_refused_and_said),
	    cmocka_unit_test(what_comes_damaged_is_thrown_away),
	    cmocka_unit_test(a_store_that_is_away_is_said),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
