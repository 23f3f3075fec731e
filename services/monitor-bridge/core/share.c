#include "share.h"

#define MINUTE_MS 60000

static uint64_t mix(uint64_t x)
{
	/* The finisher of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t hash_of(sot_str key)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	for (size_t i = 0; i < key.n; i++)
		hash = (hash ^ (uint8_t)key.p[i]) * UINT64_C(1099511628211);
	return hash;
}

static bool counts_for(const share_member *m, int64_t decided_unix_ms)
{
	return m->joined_unix_ms <= decided_unix_ms && m->lease_until_unix_ms > decided_unix_ms;
}

void share_take_view(
    share *s, unsigned own, const share_member *list, size_t count, int64_t now_unix_ms)
{
	int64_t minute = now_unix_ms / MINUTE_MS;
	int64_t decided_unix_ms = minute * MINUTE_MS + SHARE_DECIDED_SECOND * 1000;
	s->own = own;
	s->database_is_away = false;
	s->is_member = false;
	bool is_first = true;
	for (size_t i = 0; i < count; i++) {
		bool alive = list[i].lease_until_unix_ms > now_unix_ms;
		s->is_member |= alive && list[i].number == own;
		is_first &= !alive || list[i].number >= own;
	}
	s->is_first = s->is_member && is_first;
	if (now_unix_ms <= decided_unix_ms || minute == s->minute)
		return;
	s->minute = minute;
	s->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!counts_for(&list[i], decided_unix_ms))
			continue;
		if (s->count < SHARE_MEMBERS_MAX) {
			s->members[s->count++] = list[i];
		} else {
			s->left_out++;
		}
	}
}

void share_lost_database(share *s)
{
	s->database_is_away = true;
}

static bool is_alone(const share *s)
{
	return s->count == 1 && s->members[0].number == s->own;
}

bool share_is_decided(const share *s, int64_t minute)
{
	if (s->database_is_away)
		return is_alone(s);
	return s->is_member && s->minute == minute;
}

bool share_owns(const share *s, sot_str key)
{
	uint64_t hash = hash_of(key), best = 0;
	unsigned owner = 0;
	bool found = false;
	for (size_t i = 0; i < s->count; i++) {
		unsigned number = s->members[i].number;
		uint64_t weight = mix(hash ^ mix(number + UINT64_C(0x9e3779b97f4a7c15)));
		if (found && (weight < best || (weight == best && number > owner)))
			continue;
		found = true;
		best = weight;
		owner = number;
	}
	return found && owner == s->own;
}

bool share_leads(const share *s)
{
	return (s->is_member || s->database_is_away) && share_owns(s, SOT_STR("lead"));
}

bool share_takes_events(const share *s)
{
	return s->is_first && !s->database_is_away;
}

bool share_owns_address(const share *s)
{
	const share_member *self = NULL;
	for (size_t i = 0; i < s->count; i++) {
		if (s->members[i].number == s->own)
			self = &s->members[i];
	}
	for (size_t i = 0; self && i < s->count; i++) {
		if (s->members[i].address == self->address && s->members[i].number < s->own)
			return false;
	}
	return self != NULL;
}
