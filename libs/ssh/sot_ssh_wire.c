#include "sot_ssh_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "sot_mem.h"

static void put_big_endian(sot_buf *out, uint64_t v, size_t n)
{
	while (n > 0)
		sot_buf_add_char(out, (char)(uint8_t)(v >> (8 * --n)));
}

void ssh_put_u32(sot_buf *out, uint32_t v)
{
	put_big_endian(out, v, 4);
}

void ssh_put_u64(sot_buf *out, uint64_t v)
{
	put_big_endian(out, v, 8);
}

void ssh_put_string(sot_buf *out, sot_str s)
{
	ssh_put_u32(out, (uint32_t)s.n);
	if (s.n > 0)
		sot_buf_add_str(out, s);
}

void ssh_put_bytes(sot_buf *out, const uint8_t *p, size_t n)
{
	ssh_put_string(out, (sot_str){(const char *)p, n});
}

void ssh_put_ed25519(sot_buf *out, const uint8_t public_key[SOT_SSH_PUBLIC_N])
{
	ssh_put_string(out, SOT_STR(SOT_SSH_ED25519));
	ssh_put_bytes(out, public_key, SOT_SSH_PUBLIC_N);
}

static bool take_big_endian(sot_str *in, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	if (in->n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | (uint8_t)in->p[i];
	*in = (sot_str){in->p + n, in->n - n};
	*ret = v;
	return true;
}

bool ssh_take_u32(sot_str *in, uint32_t *ret)
{
	uint64_t v = 0;
	if (!take_big_endian(in, 4, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool ssh_take_u64(sot_str *in, uint64_t *ret)
{
	return take_big_endian(in, 8, ret);
}

bool ssh_take_string(sot_str *in, sot_str *ret)
{
	uint32_t n = 0;
	if (!ssh_take_u32(in, &n) || in->n < n)
		return false;
	*ret = (sot_str){in->p, n};
	*in = (sot_str){in->p + n, in->n - n};
	return true;
}

bool ssh_take_fixed(sot_str *in, uint8_t *ret, size_t n)
{
	sot_str s = {0};
	if (!ssh_take_string(in, &s) || s.n != n)
		return false;
	memcpy(ret, s.p, n);
	return true;
}

void ssh_base64(sot_buf *out, const void *p, size_t n)
{
	size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
	char *text = sot_alloc(size);
	(void)sodium_bin2base64(text, size, p, n, sodium_base64_VARIANT_ORIGINAL);
	sot_buf_add_c(out, text);
	sodium_memzero(text, size); /* it may be a secret key */
	free(text);
}

bool ssh_unbase64(sot_str text, uint8_t *dst, size_t dst_size, size_t *ret_n)
{
	const char *end = NULL;
	if (text.n == 0)
		return false;
	return sodium_base642bin(dst, dst_size, text.p, text.n, " \r\n", ret_n, &end,
	           sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       end == text.p + text.n;
}
