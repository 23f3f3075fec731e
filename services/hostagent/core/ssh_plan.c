#include "ssh_plan.h"

#include <string.h>

const char *const ssh_accounts[SSH_ACCOUNTS] = {"admin", "readonly"};

/* Why each line is there: docs/ssh.md. */
static const char config[] =
    "# Written by sotalia-hostagent; changes are undone. See docs/ssh.md.\n"
    "Port 22\n"
    "HostKey /etc/ssh/sotalia/ssh_host_ed25519_key\n"
    "HostCertificate /etc/ssh/sotalia/ssh_host_ed25519_key-cert.pub\n"
    "TrustedUserCAKeys /etc/ssh/sotalia/user_ca.pub\n"
    "AuthorizedPrincipalsFile /etc/ssh/sotalia/principals/%u\n"
    "AuthorizedKeysFile /etc/ssh/sotalia/keys/%u\n"
    "RevokedKeys /etc/ssh/sotalia/krl\n"
    "AuthenticationMethods publickey\n"
    "PasswordAuthentication no\n"
    "KbdInteractiveAuthentication no\n"
    "AllowUsers admin readonly\n"
    "PermitRootLogin no\n"
    "UsePAM no\n"
    "UseDNS no\n"
    "PidFile none\n"
    "LogLevel VERBOSE\n"
    "PrintLastLog no\n"
    "X11Forwarding no\n"
    "AllowTcpForwarding no\n"
    "AllowAgentForwarding no\n"
    "AllowStreamLocalForwarding no\n"
    "PermitTunnel no\n"
    "PermitUserRC no\n"
    "PermitUserEnvironment no\n"
    "LoginGraceTime 30\n"
    "MaxStartups 20:30:100\n"
    "MaxSessions 20\n"
    "ClientAliveInterval 60\n"
    "ClientAliveCountMax 3\n"
    "Subsystem sftp /usr/lib/openssh/sftp-server\n"
    "Match User readonly\n"
    "\tDisableForwarding yes\n"
    "\tForceCommand /usr/libexec/sotalia/sotalia-readonly\n";

void ssh_plan_config(sot_buf *out)
{
	sot_buf_add_c(out, config);
}

void ssh_plan_principals(const sot_instance_spec *spec, const char *account, sot_buf *out)
{
	char id[SOT_UUID_TEXT];
	sot_buf_printf(out, "inst:%s:%s\napp:%.*s:%s\n", sot_uuid_format(spec->instance_id, id),
	    account, SOT_ARG(spec->app), account);
}

static bool is_for(sot_str scope, const char *id, sot_str app)
{
	sot_str rest;
	sot_str kind = sot_str_cut(scope, ':', &rest);
	return sot_str_eq_c(kind, "inst") ? sot_str_eq_c(rest, id)
	                                  : sot_str_eq_c(kind, "app") && sot_str_eq(rest, app);
}

void ssh_plan_keys(sot_uuid id, sot_str app, const char *account, const ssh_plan_key *keys,
    size_t count, sot_buf *out)
{
	char text[SOT_UUID_TEXT];
	(void)sot_uuid_format(id, text);
	for (size_t i = 0; i < count; i++)
		if (sot_str_eq_c(keys[i].account, account) && is_for(keys[i].scope, text, app))
			sot_buf_printf(out, "%.*s\n", SOT_ARG(keys[i].line));
}

void ssh_plan_host_principals(const sot_instance_spec *spec, sot_buf *out)
{
	char id[SOT_UUID_TEXT], address[SOT_IP_TEXT];
	sot_buf_printf(out, "%.*s,%s", SOT_ARG(spec->name), sot_uuid_format(spec->instance_id, id));
	if (!sot_ip_is_none(spec->address))
		sot_buf_printf(out, ",%s", sot_ip_format(spec->address, address));
}
