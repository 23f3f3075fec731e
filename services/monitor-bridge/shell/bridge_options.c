#include "shell/bridge_options.h"

#include "sot_file.h"
#include "sot_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define DEFINITIONS_FILE_MAX (1024u * 1024u)

/* The first address of an interface that is up and not loopback; 127.0.0.1 when there is none. */
static uint32_t first_address(void)
{
	struct ifaddrs *list = NULL;
	uint32_t address = INADDR_LOOPBACK;
	if (getifaddrs(&list) != 0)
		return address;
	for (const struct ifaddrs *at = list; at; at = at->ifa_next) {
		bool fits = at->ifa_addr && at->ifa_addr->sa_family == AF_INET &&
		            (at->ifa_flags & IFF_UP) && !(at->ifa_flags & IFF_LOOPBACK);
		if (!fits)
			continue;
		struct sockaddr_in in;
		memcpy(&in, at->ifa_addr, sizeof(in));
		address = ntohl(in.sin_addr.s_addr);
		break;
	}
	freeifaddrs(list);
	return address;
}

sot_code bridge_options_of(const bridge_config *c, monitor_options *ret, sot_err *err)
{
	monitor_options o = {.machines_max = (size_t)c->machines_max};
	sot_code code = monitor_prefix_check(c->domain_prefix, err);
	if (code == SOT_OK)
		code = sot_str_copy(
		    sot_str_c(c->domain_prefix), o.domain_prefix, sizeof(o.domain_prefix), err);
	if (code == SOT_OK && c->address[0])
		code = sot_parse_ipv4(sot_str_c(c->address), &o.address, err);
	if (code != SOT_OK)
		return code;
	o.instances_by_address = strcmp(c->instance_key, "address") == 0;
	if (!o.instances_by_address && strcmp(c->instance_key, "name") != 0)
		return sot_fail(err, SOT_INVALID, "instance_key must be name or address");
	o.domain_per_app = strcmp(c->instance_domain, "per-app") == 0;
	if (!o.domain_per_app && strcmp(c->instance_domain, "one") != 0)
		return sot_fail(err, SOT_INVALID, "instance_domain must be one or per-app");
	o.codec = strcmp(c->cat_codec, "pt1") == 0 ? CAT_PT1 : CAT_NT1;
	if (o.codec == CAT_NT1 && strcmp(c->cat_codec, "nt1") != 0)
		return sot_fail(err, SOT_INVALID, "cat_codec must be nt1 or pt1");
	if (o.address == 0)
		o.address = first_address();
	if (gethostname(o.host_name, sizeof(o.host_name) - 1) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "gethostname");
	*ret = o;
	return SOT_OK;
}

sot_code bridge_metrics_form_of(const bridge_config *c, bridge_metrics_form *ret, sot_err *err)
{
	static const char *const words[] = {"auto", "tree", "bag"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(c->cat_metrics, words[i]) == 0) {
			*ret = (bridge_metrics_form)i;
			return SOT_OK;
		}
	}
	return sot_fail(err, SOT_INVALID, "cat_metrics must be auto, tree or bag");
}

sot_code bridge_definitions_load(const char *file, definitions **ret, sot_err *err)
{
	SOT_AUTO(definitions) d = definitions_new();
	SOT_AUTO_BUF text;
	sot_buf_init(&text, DEFINITIONS_FILE_MAX);
	sot_code code = definitions_parse(d, "default.def", definitions_default(), err);
	if (code == SOT_OK && file[0])
		code = sot_file_read(file, &text, err);
	if (code == SOT_OK && file[0])
		code = definitions_parse(d, file, sot_buf_str(&text), err);
	if (code == SOT_OK)
		*ret = SOT_TAKE(d);
	return code;
}
