/* placement - answers vlans_read: which VLANs there are, where they reach, what is free. From
 * memory.
 */
#include "ipam.h"
#include "sot_log.h"

#include <stdlib.h>

enum { VLANS_MAX = 4096, ANSWER_AIM_BYTES = 900 * 1024 };

/* The answer while it is made. What does not fit comes with the next request: VLANs are told in the
 * order of their versions. */
typedef struct answer {
	sot_arena *arena;
	sot_vlan_state *states;
	size_t count, bytes;
	uint64_t last_version;
	bool is_cut;
} answer;

static sot_vlan_scope *scopes_of(sot_arena *arena, const plan_vlan *v)
{
	sot_vlan_scope *scopes = sot_arena_alloc(arena, (v->scope_count + 1) * sizeof(*scopes));
	for (size_t i = 0; scopes && i < v->scope_count; i++)
		scopes[i] = (sot_vlan_scope){
		    .kind = (sot_scope_kind)v->scopes[i].kind, .name = sot_str_c(v->scopes[i].name)};
	return scopes;
}

enum { SHORTAGE_MAX = 400 };

/* Why nothing is free, for people; {NULL, 0} while something is. */
static sot_str shortage_of(sot_arena *arena, const vlan_news *news)
{
	SOT_AUTO_BUF text = {0};
	if (news->free_v4 > 0)
		return (sot_str){0};
	sot_buf_init(&text, 64u * 1024);
	allocator_describe_use(news->vlan, &text);
	sot_str words = sot_buf_str(&text);
	if (words.n > 0) /* each subnet begins with a space */
		words = (sot_str){words.p + 1, words.n - 1};
	return sot_wire_make_text(arena, words, SHORTAGE_MAX);
}

static void add(void *self, const vlan_news *news)
{
	answer *a = self;
	size_t scope_count = news->vlan ? news->vlan->scope_count : 0;
	size_t bytes = 130 + SHORTAGE_MAX + scope_count * (sizeof(((plan_scope *)0)->name) + 6);
	if (a->is_cut || a->count == VLANS_MAX || a->bytes + bytes > ANSWER_AIM_BYTES) {
		a->is_cut = true;
		return;
	}
	sot_vlan_state *state = &a->states[a->count];
	*state = (sot_vlan_state){.name = sot_str_c(news->name), .is_gone = news->vlan == NULL};
	if (news->vlan) {
		state->group = sot_str_c(news->vlan->group);
		state->vlan_id = news->vlan->vlan_id;
		state->has_v6 = news->has_v6;
		state->free_v4 = news->free_v4;
		state->free_v6 = news->free_v6;
		state->scopes = scopes_of(a->arena, news->vlan);
		state->scopes_count = state->scopes ? scope_count : 0;
		state->settings = allocator_settings(news->vlan);
		state->shortage = shortage_of(a->arena, news);
		a->is_cut = state->scopes == NULL;
	}
	if (a->is_cut)
		return;
	a->count++;
	a->bytes += bytes;
	a->last_version = news->version;
}

static void refuse(ipam *ip, const bus_peer *from, uint64_t request_id, const char *text)
{
	sot_refused refused = {
	    .request_id = request_id, .code = SOT_REFUSAL_UNAVAILABLE, .text = sot_str_c(text)};
	ipam_refuse(ip, from, &refused);
}

void ipam_on_vlans_read(void *self, const void *from, const sot_vlans_read *m)
{
	ipam *ip = self;
	sot_err err = {0};
	if (!allocator_plan(ip->allocator)) {
		refuse(ip, from, m->request_id, "addresses are not read yet; try again");
		return;
	}
	answer a = {.arena = ip->arena};
	sot_vlans reply = {.request_id = m->request_id, .blocked = sot_str_c(ip->blocked)};
	a.states = sot_alloc_array(VLANS_MAX, sizeof(*a.states));
	reply.version =
	    allocator_vlans(ip->allocator, m->after, ipam_database_now(ip), add, &a, &reply.full);
	if (a.is_cut) {
		reply.version = a.last_version;
		reply.full = false;
	}
	reply.vlans = a.states;
	reply.vlans_count = a.count;
	sot_buf_reset(&ip->frame);
	if (sot_vlans_encode(&reply, &ip->frame, &err) == SOT_OK)
		ipam_send(ip, from);
	else
		sot_log_err(SOT_ERROR, "answer.unencodable", &err, "vlans=%zu", a.count);
	free(a.states);
}
