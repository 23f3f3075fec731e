/* s3_bucket - s3_server.py for a test: a bucket that checks signatures by itself. */
#ifndef S3_BUCKET_H
#define S3_BUCKET_H

#define S3_BUCKET_REGION "eu-test-1"
#define S3_BUCKET_KEYS "access:secret"

/* Starts it; its URL comes in ret; objects are age_s older than they are. Ends the test program
 * when it cannot. It ends with the test. */
void s3_bucket_start(int age_s, char ret[80]);
void s3_bucket_stop(void);

#endif
