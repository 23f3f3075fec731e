#include "gw_password.h"

#include "sot_mem.h"
#include "sot_rand.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

/* yescrypt, cost 5 (Debian's default for login passwords): about 16 MiB and 20 ms per check. */
#define METHOD "$y$"
#define COST 5
/* Of a password that nobody knows: an unknown account must not answer faster than a known one. */
#define NOBODY "$y$j9T$ioYgTtBjnkSPG9FqCVvpi1$jTuzOPtCTZtyxHmlmSHjHOzbGUNcZNmZ0Mkz9Yvx3d7"

static sot_code hash_with(
    const char *password, const char *setting, char *ret, size_t size, sot_err *err)
{
	struct crypt_data *work = sot_alloc(sizeof(*work));
	const char *hash = crypt_r(password, setting, work);
	sot_code code = SOT_OK;
	if (hash == NULL || hash[0] == '*')
		code = sot_fail_errno(err, SOT_INTERNAL, errno, "yescrypt");
	else
		code = sot_str_copy(sot_str_c(hash), ret, size, err);
	gnutls_memset(work, 0, sizeof(*work));
	free(work);
	return code;
}

sot_code gw_password_hash(const char *password, char ret[GW_PASSWORD_HASH_MAX], sot_err *err)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], entropy[16];
	sot_rand_bytes(entropy, sizeof(entropy));
	if (crypt_gensalt_rn(METHOD, COST, entropy, sizeof(entropy), setting, sizeof(setting)) == NULL)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "libcrypt has no yescrypt");
	return hash_with(password, setting, ret, GW_PASSWORD_HASH_MAX, err);
}

bool gw_password_fits(const char *password, const char *hash)
{
	char again[GW_PASSWORD_HASH_MAX];
	bool real = hash[0] != '\0';
	const char *setting = real ? hash : NOBODY;
	size_t n = strlen(setting);
	if (hash_with(password, setting, again, sizeof(again), NULL) != SOT_OK)
		return false;
	return real && strlen(again) == n && gnutls_memcmp(again, setting, n) == 0;
}
