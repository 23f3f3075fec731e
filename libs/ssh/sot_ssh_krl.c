#include "sot_ssh_internal.h"

#include "sot_mem.h"

/* PROTOCOL.krl: section and sub-section types. */
enum { SECTION_CERTIFICATES = 1, SECTION_SHA256 = 5, SERIAL_LIST = 0x20, FORMAT = 1 };

static const char magic[] = "SSHKRL\n"; /* with its NUL: eight bytes */

static void put_section(sot_buf *out, int type, const sot_buf *content)
{
	sot_buf_add_char(out, (char)type);
	ssh_put_string(out, sot_buf_str(content));
}

static void put_serials(const sot_ssh_krl *krl, sot_buf *out)
{
	SOT_AUTO_BUF section, list;
	sot_buf_init(&section, out->max);
	sot_buf_init(&list, out->max);
	for (size_t i = 0; i < krl->serial_count; i++)
		ssh_put_u64(&list, krl->serials[i]);
	ssh_put_string(&section, (sot_str){0}); /* of every CA */
	ssh_put_string(&section, (sot_str){0}); /* reserved */
	put_section(&section, SERIAL_LIST, &list);
	put_section(out, SECTION_CERTIFICATES, &section);
}

static void put_fingerprints(const sot_ssh_krl *krl, sot_buf *out)
{
	SOT_AUTO_BUF section;
	sot_buf_init(&section, out->max);
	for (size_t i = 0; i < krl->fingerprint_count; i++)
		ssh_put_bytes(&section, krl->fingerprints[i], SOT_SSH_FINGERPRINT_N);
	put_section(out, SECTION_SHA256, &section);
}

void sot_ssh_krl_render(const sot_ssh_krl *krl, sot_buf *out)
{
	sot_buf_add(out, magic, sizeof(magic));
	ssh_put_u32(out, FORMAT);
	ssh_put_u64(out, krl->version);
	ssh_put_u64(out, (uint64_t)krl->made_unix);
	ssh_put_u64(out, 0);               /* flags */
	ssh_put_string(out, (sot_str){0}); /* reserved */
	ssh_put_string(out, SOT_STR("sotalia"));
	if (krl->serial_count > 0)
		put_serials(krl, out);
	if (krl->fingerprint_count > 0)
		put_fingerprints(krl, out);
}
