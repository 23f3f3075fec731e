#include "gw_etag.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_N 16
#define OMITTED_MAX 24

/* What each resource's tag leaves out. */
static const struct {
	gw_route_id source;
	const char *omitted[OMITTED_MAX];
} resources[] = {
    {GW_ROUTE_app_get, {"wanted", "ready"}},
    {GW_ROUTE_user_get, {"lastLoginAt", "tokens", "sessions"}},
    {GW_ROUTE_webhook_get,
        {"cursor", "behind", "tries", "error", "nextTryAt", "deliveredAt", "deadLetters"}},
    {GW_ROUTE_vlan_get, {NULL}},
    {GW_ROUTE_subnet_get, {"used", "cooling", "unusable", "level", "daysLeft"}},
    {GW_ROUTE_address_get, {"leaseUntil", "freeAfter"}},
    {GW_ROUTE_host_get, {"state", "hostname", "kernel", "dockerVersion", "agentVersion", "bootId",
                            "generation", "unknownContainers", "capacity", "booked", "instances",
                            "seenAt", "bookable", "lostBy", "lostAt", "departures"}},
};

static const struct {
	gw_route_id route, source;
} sources[] = {
    {GW_ROUTE_app_get, GW_ROUTE_app_get},
    {GW_ROUTE_app_update, GW_ROUTE_app_get},
    {GW_ROUTE_app_delete, GW_ROUTE_app_get},
    {GW_ROUTE_user_get, GW_ROUTE_user_get},
    {GW_ROUTE_user_update, GW_ROUTE_user_get},
    {GW_ROUTE_user_delete, GW_ROUTE_user_get},
    {GW_ROUTE_webhook_get, GW_ROUTE_webhook_get},
    {GW_ROUTE_webhook_update, GW_ROUTE_webhook_get},
    {GW_ROUTE_webhook_delete, GW_ROUTE_webhook_get},
    {GW_ROUTE_vlan_get, GW_ROUTE_vlan_get},
    {GW_ROUTE_vlan_update, GW_ROUTE_vlan_get},
    {GW_ROUTE_vlan_delete, GW_ROUTE_vlan_get},
    {GW_ROUTE_subnet_get, GW_ROUTE_subnet_get},
    {GW_ROUTE_subnet_update, GW_ROUTE_subnet_get},
    {GW_ROUTE_subnet_delete, GW_ROUTE_subnet_get},
    {GW_ROUTE_address_get, GW_ROUTE_address_get},
    {GW_ROUTE_address_free, GW_ROUTE_address_get},
    {GW_ROUTE_host_get, GW_ROUTE_host_get},
    {GW_ROUTE_host_set, GW_ROUTE_host_get},
};

gw_route_id gw_etag_source(gw_route_id route)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (sources[i].route == route)
			return sources[i].source;
	return GW_ROUTE_COUNT;
}

static void omit(gw_route_id source, json_t *object)
{
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
		for (size_t k = 0;
		     resources[i].source == source && k < OMITTED_MAX && resources[i].omitted[k] != NULL;
		     k++)
			(void)json_object_del(object, resources[i].omitted[k]);
}

sot_code gw_etag_of(gw_route_id source, sot_str json, char ret[GW_ETAG_MAX], sot_err *err)
{
	unsigned char digest[DIGEST_N];
	char hex[2 * DIGEST_N + 1];
	json_error_t why;
	json_t *object = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(object)) {
		json_decref(object);
		return sot_fail(err, SOT_INVALID, "the resource is no JSON object");
	}
	omit(source, object);
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(object);
	if (text == NULL)
		return sot_fail(err, SOT_INVALID, "the resource cannot be written as JSON");
	(void)crypto_generichash(
	    digest, sizeof(digest), (const unsigned char *)text, strlen(text), NULL, 0);
	free(text);
	(void)snprintf(
	    ret, GW_ETAG_MAX, "\"%s\"", sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest)));
	return SOT_OK;
}

static sot_str trim(sot_str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (sot_str){s.p + 1, s.n - 1};
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool gw_etag_matches(sot_str if_match, const char *etag)
{
	while (if_match.n > 0) {
		sot_str one = trim(sot_str_cut(if_match, ',', &if_match));
		if (sot_str_eq_c(one, "*") || sot_str_eq_c(one, etag))
			return true;
	}
	return false;
}
