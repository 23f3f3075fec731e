#include "shell/share_feed.h"

#include "bridge_sql.h"
#include "shell/platform_clock.h"
#include "shell/trouble.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MAX (64u * 1024u)

struct share_feed {
	reactor *loop;
	store *store;
	monitor *monitor;
	share_feed_options options;
	char name[64];
	share_feed_hooks hooks;
	sot_uuid life;
	reactor_watch *timer;
	bool asking, has_joined, is_leaving, is_replaced;
	unsigned number;
	void (*left)(void *self);
	void *left_self;
};

enum { OWN, NUMBER, ADDRESS, JOINED, LEASE_UNTIL, NOW };

static sot_code read_member(
    const store_result *res, size_t row, share_member *ret, sot_wall *ret_now, sot_err *err)
{
	int64_t number = 0;
	sot_code code = store_i64(res, row, NUMBER, &number, err);
	if (code == SOT_OK)
		code = store_ipv4(res, row, ADDRESS, &ret->address, err);
	if (code == SOT_OK)
		code = store_i64(res, row, JOINED, &ret->joined_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, LEASE_UNTIL, &ret->lease_until_unix_ms, err);
	if (code == SOT_OK)
		code = store_i64(res, row, NOW, &ret_now->unix_ms, err);
	ret->number = (unsigned)number;
	return code;
}

static void replaced(share_feed *f)
{
	if (f->is_replaced)
		return;
	f->is_replaced = true;
	trouble_note(platform_wall(f->loop), "another process runs as bridge %s", f->name);
	sot_log(SOT_ERROR, "share.replaced",
	    "name=%s help=\"give each bridge a bridge_name of its own; this one sends nothing\"",
	    f->name);
}

static void on_rows(void *self, const store_result *res)
{
	share_feed *f = self;
	share_member members[SHARE_MEMBERS_MAX];
	size_t rows = store_rows(res), count = 0;
	sot_wall now = {0};
	sot_err err;
	bool found = false;
	for (; count < rows && count < SHARE_MEMBERS_MAX; count++) {
		if (read_member(res, count, &members[count], &now, &err) != SOT_OK) {
			sot_log_err(SOT_ERROR, "share.bad_row", &err, "row=%zu", count);
			return;
		}
		bool own = false;
		if (store_is_null(res, count, OWN) || store_bool(res, count, OWN, &own, &err) != SOT_OK ||
		    !own)
			continue;
		found = true;
		f->number = members[count].number;
	}
	if (!found) {
		replaced(f);
		count = 0;
	}
	if (count == 0) {
		now = platform_wall(f->loop);
	} else {
		platform_clock_learn(f->loop, now);
	}
	monitor_share_view(f->monitor, f->number, members, count, now);
	if (!found || f->has_joined)
		return;
	f->has_joined = true;
	sot_log(SOT_INFO, "share.joined", "name=%s number=%u bridges=%zu", f->name, f->number, count);
	f->hooks.joined(f->hooks.self);
}

static void on_done(void *self, const store_outcome *outcome)
{
	share_feed *f = self;
	f->asking = false;
	if (outcome->code == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "share.not_renewed", outcome->why, "%s", "");
	monitor_lost_database(f->monitor);
}

static void renew(void *self, uint64_t missed)
{
	share_feed *f = self;
	sot_err err;
	(void)missed;
	if (f->asking || f->is_leaving || f->is_replaced || !store_is_up(f->store))
		return;
	SOT_FAILPOINT_HIT("bridge.share.before_renew");
	SOT_AUTO_BUF status;
	sot_buf_init(&status, STATUS_MAX);
	f->hooks.status(f->hooks.self, &status);
	store_tx *tx = store_begin(f->store);
	store_query(tx, BRIDGE_SQL_RENEW, on_rows, f);
	store_arg_c(tx, f->name);
	store_arg_uuid(tx, f->life);
	store_arg_bool(tx, !f->has_joined);
	store_arg_ipv4(tx, f->options.address);
	store_arg_i64(tx, f->options.lease_ms);
	store_arg_str(tx, sot_buf_failed(&status) ? SOT_STR("{}") : sot_buf_str(&status));
	f->asking = store_commit(&tx, on_done, f, &err) == SOT_OK;
	if (!f->asking) {
		sot_log_err(SOT_WARN, "share.not_asked", &err, "%s", "");
		store_tx_free(tx);
	}
}

share_feed *share_feed_new(reactor *r, store *s, monitor *m, const share_feed_options *options,
    const share_feed_hooks *hooks)
{
	share_feed *f = sot_alloc(sizeof(*f));
	uint8_t entropy[16];
	sot_rand_bytes(entropy, sizeof(entropy));
	f->loop = r;
	f->store = s;
	f->monitor = m;
	f->options = *options;
	f->hooks = *hooks;
	f->life = sot_uuid_v7(platform_wall(r), entropy);
	(void)snprintf(f->name, sizeof(f->name), "%s", options->name);
	f->timer = reactor_every_ms(r, options->interval_ms, renew, f);
	return f;
}

share_feed *share_feed_free(share_feed *f)
{
	if (!f)
		return NULL;
	reactor_remove(f->timer);
	store_forget(f->store, f);
	free(f);
	return NULL;
}

void share_feed_database(share_feed *f, bool up)
{
	if (up) {
		renew(f, 0);
	} else {
		monitor_lost_database(f->monitor);
	}
}

static void on_left(void *self, const store_outcome *outcome)
{
	share_feed *f = self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "share.not_left", outcome->why, "%s", "");
	f->left(f->left_self);
}

void share_feed_leave(share_feed *f, void (*done)(void *self), void *self)
{
	sot_err err;
	f->is_leaving = true;
	f->left = done;
	f->left_self = self;
	if (!f->has_joined || f->is_replaced || !store_is_up(f->store)) {
		done(self);
		return;
	}
	store_tx *tx = store_begin(f->store);
	store_query(tx, BRIDGE_SQL_LEAVE, NULL, NULL);
	store_arg_c(tx, f->name);
	store_arg_uuid(tx, f->life);
	if (store_commit(&tx, on_left, f, &err) == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "share.not_left", &err, "%s", "");
	store_tx_free(tx);
	done(self);
}

bool share_feed_is_replaced(const share_feed *f)
{
	return f->is_replaced;
}
