/* gw_bucket - token buckets by key: how often may this address or this account try?
 *
 * Pure; the caller passes `now`. A fixed number of slots; when all are taken, the one that was
 * used longest ago (and is therefore fullest) is given to the new key.
 */
#ifndef GW_BUCKET_H
#define GW_BUCKET_H

#include "sot_mem.h"
#include "sot_time.h"

typedef struct gw_buckets gw_buckets;
/* `burst` tries at once, then one each refill_ms. */
gw_buckets *gw_buckets_new(size_t slots, int64_t burst, int64_t refill_ms);
gw_buckets *gw_buckets_free(gw_buckets *b);
/* Takes one try. False when there is none; *ret_wait_ms says when there will be. */
bool gw_bucket_take(gw_buckets *b, sot_str key, sot_mono now, int64_t *ret_wait_ms);
SOT_DEFINE_AUTO(gw_buckets)

#endif
