/* The bodies of the routes about users, grants, tokens, passwords and webhooks, which the gateway
 * itself serves. */
#include "gw_command_internal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROLES "viewer developer middleware operator admin"
/* In this order, as the reach of a grant or a token. */
#define REACH                                                                                      \
	{.name = "team", .kind = GW_TEXT, .min = 0, .max = 30},                                        \
	    {.name = "app", .kind = GW_TEXT, .min = 0, .max = 30},                                     \
	{                                                                                              \
		.name = "environment", .kind = GW_TEXT, .min = 0, .max = 63                                \
	}

static const gw_field create_fields[] = {
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "role",
        .kind = GW_TEXT,
        .required = true,
        .min = 1,
        .max = 10,
        .words = "none " ROLES},
    {.name = "password", .kind = GW_TEXT, .min = 12, .max = 256},
};
static const gw_field update_fields[] = {
    {.name = "role", .kind = GW_TEXT, .min = 1, .max = 10, .words = "none " ROLES},
    {.name = "disabled", .kind = GW_BOOL},
    {.name = "password", .kind = GW_TEXT, .min = 12, .max = 256},
};
static const gw_field grant_fields[] = {
    {.name = "user", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "role", .kind = GW_TEXT, .required = true, .min = 1, .max = 10, .words = ROLES},
    REACH,
};
static const gw_field token_fields[] = {
    {.name = "description", .kind = GW_TEXT, .required = true, .min = 1, .max = 200},
    {.name = "days", .kind = GW_INT, .min = 1, .max = 90},
    {.name = "user", .kind = GW_TEXT, .min = 1, .max = 63},
    {.name = "role", .kind = GW_TEXT, .min = 1, .max = 10, .words = ROLES},
    REACH,
};
static const gw_field password_fields[] = {
    {.name = "old", .kind = GW_TEXT, .required = true, .min = 1, .max = 256},
    {.name = "new", .kind = GW_TEXT, .required = true, .min = 12, .max = 256},
};

static const gw_field webhook_fields[] = {
    {.name = "name", .kind = GW_TEXT, .required = true, .min = 1, .max = 63},
    {.name = "url", .kind = GW_TEXT, .required = true, .min = 10, .max = 500},
    {.name = "secret", .kind = GW_TEXT, .min = 16, .max = 128},
    {.name = "kinds", .kind = GW_TEXTS, .min = 0, .max = 32, .item_max = 64},
    {.name = "app", .kind = GW_TEXT, .min = 0, .max = 30},
    {.name = "host", .kind = GW_TEXT, .min = 0, .max = 63},
    {.name = "changed", .kind = GW_TEXT, .min = 0, .max = 100},
};
static const gw_field webhook_update_fields[] = {
    {.name = "paused", .kind = GW_BOOL},
    {.name = "after", .kind = GW_INT, .min = 0, .max = 9007199254740991},
};

const gw_field *users_command_fields(gw_route_id route, size_t *ret_count)
{
	static const struct {
		gw_route_id route;
		const gw_field *fields;
		size_t count;
	} tables[] = {
	    {GW_ROUTE_user_create, create_fields, COUNT(create_fields)},
	    {GW_ROUTE_user_update, update_fields, COUNT(update_fields)},
	    {GW_ROUTE_grant_create, grant_fields, COUNT(grant_fields)},
	    {GW_ROUTE_token_create, token_fields, COUNT(token_fields)},
	    {GW_ROUTE_webhook_create, webhook_fields, COUNT(webhook_fields)},
	    {GW_ROUTE_webhook_update, webhook_update_fields, COUNT(webhook_update_fields)},
	    {GW_ROUTE_password_set, password_fields, COUNT(password_fields)},
	};
	for (size_t i = 0; i < COUNT(tables); i++) {
		if (tables[i].route != route)
			continue;
		*ret_count = tables[i].count;
		return tables[i].fields;
	}
	*ret_count = 0;
	return NULL;
}
