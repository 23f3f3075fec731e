#include "gw_spool.h"

#include "sot_failpoint.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void gw_spool_init(gw_spool *s)
{
	*s = (gw_spool){.fd = -1};
}

sot_code gw_spool_open(gw_spool *s, const char *folder, sot_err *err)
{
	uint8_t entropy[16];
	char name[33];
	sot_rand_bytes(entropy, sizeof(entropy));
	sot_hex_encode(entropy, sizeof(entropy), name);
	(void)snprintf(s->path, sizeof(s->path), "%s/tmp/%s", folder, name);
	s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (s->fd < 0) {
		int why = errno;
		s->path[0] = '\0';
		return sot_fail_errno(err, SOT_INTERNAL, why, "a file in %s/tmp", folder);
	}
	if (gnutls_hash_init(&s->hash, GNUTLS_DIG_SHA256) != 0)
		return sot_fail(err, SOT_INTERNAL, "GnuTLS gives no SHA-256");
	return SOT_OK;
}

sot_code gw_spool_add(gw_spool *s, sot_str piece, sot_err *err)
{
	sot_str rest = piece;
	SOT_FAILPOINT("gateway.upload.write", err);
	while (rest.n > 0) {
		ssize_t n = write(s->fd, rest.p, rest.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sot_fail_errno(err,
			    errno == ENOSPC || errno == EDQUOT ? SOT_LIMIT : SOT_INTERNAL, errno,
			    "the body cannot be stored in blobs_dir");
		rest = (sot_str){rest.p + n, rest.n - (size_t)n};
	}
	(void)gnutls_hash(s->hash, piece.p, piece.n);
	s->size_bytes += piece.n;
	return SOT_OK;
}

void gw_spool_digest(gw_spool *s, uint8_t ret[32])
{
	gnutls_hash_output(s->hash, ret);
}

void gw_spool_clear(gw_spool *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->path[0] != '\0')
		(void)unlink(s->path);
	if (s->hash != NULL)
		gnutls_hash_deinit(s->hash, NULL);
	gw_spool_init(s);
}
