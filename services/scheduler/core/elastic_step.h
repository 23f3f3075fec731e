/* elastic_step - how many instances an app shall have by its rules. Pure: a state, what happened,
 * what is to be done about it; no clock but the one that is told.
 *
 * The algorithm is that of Kubernetes' Horizontal Pod Autoscaler (docs/adr/0040-elastic-scaling.md
 * says what is taken and what is not): wanted = ceil(sum of the loads / target), nothing within the
 * tolerance, of several rules the largest. What is not known never leads to fewer.
 */
#ifndef SCHEDULER_ELASTIC_STEP_H
#define SCHEDULER_ELASTIC_STEP_H

#include "cron.h"
#include "sot_proto.h"
#include "sot_uuid.h"

#define ELASTIC_RULES_MAX 16
#define ELASTIC_TEXT_MAX 400

/* As struct elastic_rule of proto/scheduler.toml. */
typedef struct elastic_rule {
	char name[31];
	enum sot_elastic_metric metric;
	uint64_t target_milli;
	uint32_t window_s;
	char value[31];
	enum sot_elastic_sum sum;
	char cron_text[101], zone_name[65];
	cron cron;             /* of cron_text */
	const time_zone *zone; /* borrowed; NULL: UTC */
	uint32_t for_s, count;
} elastic_rule;

typedef struct elastic_policy {
	char group[31]; /* "": the whole app */
	bool enabled, dry_run;
	uint32_t min, max, up_step, down_step;
	uint32_t up_cooldown_s, down_cooldown_s, stable_s;
	uint8_t tolerance_percent;
	elastic_rule rules[ELASTIC_RULES_MAX];
	size_t rule_count;
} elastic_policy;

/* What must outlast the leader. */
typedef struct elastic_kept {
	uint32_t count;          /* that was there at the last look; 0: there was none */
	int64_t changed_unix_ms; /* when it changed last; 0: not since the rules were set */
	int64_t low_unix_ms;     /* the rules want fewer since then; 0: they do not */
	uint32_t low_most;       /* the most that they wanted since then */
} elastic_kept;

typedef struct elastic elastic;

typedef struct elastic_now {
	int64_t mono_ms; /* for what is measured */
	int64_t unix_ms; /* for schedules and for what outlasts the leader */
} elastic_now;

/* What an instance is to the rules. */
typedef enum elastic_part {
	ELASTIC_STARTS,  /* its load is not known yet */
	ELASTIC_WORKS,   /* it carries load */
	ELASTIC_STOPPED, /* it counts, and carries none */
} elastic_part;

typedef struct elastic_member {
	sot_uuid id;
	elastic_part part;
} elastic_member;

typedef enum elastic_event_kind {
	ELASTIC_POLICY, /* the rules are new: policy, kept */
	ELASTIC_SAMPLE, /* a report of an instance: id, cpu_milli, memory_milli, period_ms */
	ELASTIC_VALUE,  /* the app sent a value: value, id (zero: of the app), milli */
	ELASTIC_LOOK,   /* what now? members, member_count, busy */
	ELASTIC_SCALED, /* the effect of the last look was carried out: count */
} elastic_event_kind;

typedef struct elastic_event {
	elastic_event_kind kind;
	const elastic_policy *policy;
	elastic_kept kept;
	sot_uuid id;
	uint64_t cpu_milli, memory_milli; /* thousandths of a percent of the plan */
	uint32_t period_ms;               /* of reports */
	const char *value;
	uint64_t milli;
	const elastic_member
	    *members; /* of the app, or of the group; those that shall not be retired */
	size_t member_count;
	const char *busy; /* what runs on the app, in words; NULL: nothing */
	uint32_t count;
} elastic_event;

typedef enum elastic_outcome {
	ELASTIC_STEADY, /* as many as are wanted */
	ELASTIC_HELD,   /* others are wanted, or it is not known */
	ELASTIC_SCALE,  /* the count shall change */
} elastic_outcome;

/* Why it is held. */
typedef enum elastic_hold {
	ELASTIC_FREE,
	ELASTIC_UNKNOWN,     /* reports or values are missing */
	ELASTIC_EMPTY,       /* the app has no instances */
	ELASTIC_STABILISING, /* fewer are wanted, for too short a time */
	ELASTIC_COOL_DOWN,
	ELASTIC_OPERATION, /* another change of the app runs */
	ELASTIC_DRY_RUN,
	ELASTIC_QUOTA,
	ELASTIC_CAPACITY,
	ELASTIC_OFF, /* not enabled */
} elastic_hold;

typedef struct elastic_decision {
	elastic_outcome outcome;
	elastic_hold hold;
	uint32_t count, wanted, to; /* there are; the rules want; there shall be */
	int rule;                   /* that wants most; -1: none */
	bool known;                 /* load_milli is that rule's load; else there is none */
	uint64_t load_milli, target_milli;
	char reason[ELASTIC_TEXT_MAX];
} elastic_decision;

/* What a step leads to. */
typedef struct elastic_effects {
	bool decided; /* `decision` is filled */
	bool keep;    /* what must outlast the leader has changed */
	elastic_decision decision;
} elastic_effects;

/* Without rules: the first event is ELASTIC_POLICY. Never NULL. */
elastic *elastic_new(void);
elastic *elastic_free(elastic *e);
SOT_DEFINE_AUTO(elastic)
/* Changes the state by what happened; *ret is set always. Allocates for members only. */
void elastic_step(elastic *e, elastic_now now, const elastic_event *event, elastic_effects *ret);
const elastic_policy *elastic_policy_of(const elastic *e);
const elastic_kept *elastic_kept_of(const elastic *e);
/* What was decided cannot be: it is held, with at most `to` instances possible (as many as there
 * are: none more). `why` is in words; it becomes part of the reason. */
void elastic_refuse(elastic_decision *d, elastic_hold hold, uint32_t to, const char *why);
/* The words of the database and the API; never NULL. */
const char *elastic_outcome_name(elastic_outcome outcome);
const char *elastic_hold_name(elastic_hold hold); /* "" for ELASTIC_FREE */

#endif
