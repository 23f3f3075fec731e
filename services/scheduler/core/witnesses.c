/* Witnesses: before a silent host is called lost, agents of others are asked whether it answers
 * them: its own address by ping, the addresses of its instances on their VLANs. Silence alone never
 * proves anything, and one answer of anybody refutes all silence.
 *
 *   suspect | agent_lost --every witness_interval_ms--> a round: up to 3 others are asked
 *   round: anybody was answered           the host lives, its agent does not
 *          2 found all silent (1 where only one other host is up)   one silent round
 *          less                           says nothing
 *   proven lost: SILENT_ROUNDS in a row, the last one fresh, silent itself for lost_after_ms, and
 *   this leader has listened for grace_ms
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_ROUNDS 2
#define WITNESSES_NEEDED 2
#define TARGETS_MAX 16

static bool can_witness(const controller *c, const host *h, const host *about)
{
	return h != about && host_is_up(h) && h->has_session && !h->row.revoked &&
	       sot_mono_diff_ms(c->now.mono, h->last_seen) < c->config.suspect_after_ms;
}

/* The nearer see more of its network: the rack, then the zone, then any. */
static int distance(const host *h, const host *about)
{
	if (strcmp(h->row.az, about->row.az) != 0)
		return 2;
	return strcmp(h->row.rack, about->row.rack) != 0;
}

static size_t choose_witnesses(
    const controller *c, const host *about, host *list[static WITNESSES], size_t *ret_others)
{
	size_t n = 0;

	*ret_others = 0;
	for (int d = 0; d < 3; d++) {
		for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
			host *h = SOT_CONTAINER(l, host, all);
			if (!can_witness(c, h, about) || distance(h, about) != d)
				continue;
			++*ret_others;
			if (n < WITNESSES)
				list[n++] = h;
		}
	}
	return n;
}

static bool may_answer(const instance *i)
{
	return instance_is_told(i) && !sot_ip_is_none(i->row.v4.address);
}

/* Those that ran last first: the others prove little by their silence. */
static size_t list_targets(const host *h, sot_probe_target list[static TARGETS_MAX])
{
	size_t n = 0;

	for (int ran = 1; ran >= 0; ran--) {
		for (const sot_link *l = h->instances.next; l != &h->instances; l = l->next) {
			const instance *i = SOT_CONTAINER(l, instance, of_host);
			if (!may_answer(i) || i->row.has_run != ran || n == TARGETS_MAX)
				continue;
			list[n++] = (sot_probe_target){.vlan_id = i->row.make->net->vlan_id,
			    .address = i->row.v4.address,
			    .mac = i->row.mac};
		}
	}
	return n;
}

static void ask(controller *c, host *about, const host *witness, struct question *q)
{
	sot_probe_target targets[TARGETS_MAX];
	sot_host_probe m = {.request_id = c->next_request_id++,
	    .host = about->row.address,
	    .targets = targets,
	    .targets_count = list_targets(about, targets)};
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	sot_err err = {0};

	*q = (struct question){.request_id = m.request_id, .witness = witness->row.id};
	e->host_id = witness->row.id;
	if (sot_host_probe_encode(&m, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

static void begin_round(controller *c, host *h)
{
	inquiry *q = h->inquiry;
	host *witnesses[WITNESSES];
	size_t others;

	if (!q)
		q = h->inquiry = sot_alloc(sizeof(*q));
	q->count = choose_witnesses(c, h, witnesses, &others);
	q->needed = others < WITNESSES_NEEDED ? others : WITNESSES_NEEDED;
	q->begun = c->now.mono;
	q->is_open = q->count > 0;
	for (size_t k = 0; k < q->count; k++)
		ask(c, h, witnesses[k], &q->questions[k]);
}

static void list_names(
    const controller *c, const inquiry *q, question_end end, char dst[static WITNESSES * 66])
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t k = 0; k < q->count; k++) {
		const host *w = model_host(c, q->questions[k].witness);
		if (q->questions[k].end != end || !w)
			continue;
		n += (size_t)snprintf(dst + n, WITNESSES * 66 - n, "%s%s", n ? ", " : "", w->row.name);
	}
}

/* Says what the round found where people look. */
static void note_finding(controller *c, host *h, const char *what, question_end end)
{
	char text[HOST_REASON_MAX + 1], who[WITNESSES * 66];

	list_names(c, h->inquiry, end, who);
	(void)snprintf(
	    text, sizeof(text), "no heartbeat; %s (%s): its instances are left alone", what, who);
	if (h->row.state == HOST_AGENT_LOST)
		host_set_reason(c, h, text);
}

static size_t count_ends(const inquiry *q, question_end end)
{
	size_t n = 0;

	for (size_t k = 0; k < q->count; k++)
		n += q->questions[k].end == end;
	return n;
}

static void end_round(controller *c, host *h)
{
	inquiry *q = h->inquiry;

	q->is_open = false;
	if (count_ends(q, QUESTION_ANSWERED) > 0) {
		q->silent_rounds = 0;
		note_finding(c, h, "it answers others", QUESTION_ANSWERED);
	} else if (count_ends(q, QUESTION_SILENT) >= q->needed) {
		q->silent_rounds++;
		q->silent_at = c->now.mono;
		list_names(c, q, QUESTION_SILENT, q->who);
		note_finding(c, h, "others find it silent", QUESTION_SILENT);
	}
}

void witnesses_tick(controller *c, host *h)
{
	const inquiry *q = h->inquiry;
	int64_t age_ms = q ? sot_mono_diff_ms(c->now.mono, q->begun) : 0;

	if (q && q->is_open && age_ms >= c->config.witness_deadline_ms)
		end_round(c, h);
	if (!q || (!q->is_open && age_ms >= c->config.witness_interval_ms))
		begin_round(c, h);
}

void witnesses_forget(host *h)
{
	free(h->inquiry);
	h->inquiry = NULL;
}

/* Its own address and every target that was asked for: `answered` when any of them is its. */
static question_end judge(const sot_host_probed *m)
{
	if (m->host == SOT_PROBE_ANSWER_ANSWERED)
		return QUESTION_ANSWERED;
	for (size_t k = 0; k < m->targets_count; k++) {
		if (m->targets[k] == SOT_PROBE_ANSWER_ANSWERED)
			return QUESTION_ANSWERED;
	}
	return m->host == SOT_PROBE_ANSWER_SILENT ? QUESTION_SILENT : QUESTION_UNKNOWN;
}

static struct question *question_of(host *h, uint64_t request_id)
{
	inquiry *q = h->inquiry;

	for (size_t k = 0; q && k < q->count; k++) {
		if (q->is_open && q->questions[k].request_id == request_id)
			return &q->questions[k];
	}
	return NULL;
}

sot_code witnesses_said(controller *c, const host *witness, const sot_host_probed *m, sot_err *err)
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		struct question *q = question_of(h, m->request_id);
		if (!q || !sot_uuid_eq(q->witness, witness->row.id))
			continue;
		q->end = judge(m);
		if (count_ends(h->inquiry, QUESTION_OPEN) == 0)
			end_round(c, h);
		return SOT_OK;
	}
	return sot_fail(err, SOT_NOT_FOUND, "nobody waits for this witness any more");
}

bool witnesses_prove_loss(const controller *c, const host *h)
{
	const inquiry *q = h->inquiry;

	return q && q->silent_rounds >= SILENT_ROUNDS &&
	       sot_mono_diff_ms(c->now.mono, q->silent_at) <= 3 * c->config.witness_interval_ms &&
	       sot_mono_diff_ms(c->now.mono, c->loaded_at) >= c->config.grace_ms;
}
