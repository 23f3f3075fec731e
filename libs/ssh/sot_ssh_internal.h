/* The wire types of RFC 4251 section 5, and base64, for the files of this library. */
#ifndef SOT_SSH_INTERNAL_H
#define SOT_SSH_INTERNAL_H

#include "sot_ssh.h"

#define SOT_SSH_ED25519 "ssh-ed25519"

void ssh_put_u32(sot_buf *out, uint32_t v);
void ssh_put_u64(sot_buf *out, uint64_t v);
void ssh_put_string(sot_buf *out, sot_str s);
void ssh_put_bytes(sot_buf *out, const uint8_t *p, size_t n);                   /* as a string */
void ssh_put_ed25519(sot_buf *out, const uint8_t public_key[SOT_SSH_PUBLIC_N]); /* a blob */

/* Readers take from the front of *in; false: it is too short. */
bool ssh_take_u32(sot_str *in, uint32_t *ret);
bool ssh_take_u64(sot_str *in, uint64_t *ret);
bool ssh_take_string(sot_str *in, sot_str *ret);
bool ssh_take_fixed(sot_str *in, uint8_t *ret, size_t n); /* a string of exactly n bytes */

void ssh_base64(sot_buf *out, const void *p, size_t n);
/* Spaces and line ends between are skipped. */
bool ssh_unbase64(sot_str text, uint8_t *dst, size_t dst_size, size_t *ret_n);

#endif
