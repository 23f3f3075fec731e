/* commands - what the tables of commands are written with, and the tables of other files.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

#define EXAMPLES(...)                                                                              \
	(const char *const[])                                                                          \
	{                                                                                              \
		__VA_ARGS__, NULL                                                                          \
	}
#define OPTIONS(...)                                                                               \
	(const cli_option[])                                                                           \
	{                                                                                              \
		__VA_ARGS__,                                                                               \
		{                                                                                          \
			NULL, NULL, NULL                                                                       \
		}                                                                                          \
	}

/* Of the verbs that act on one instance or on many. */
#define MANY_DETAILS                                                                               \
	"With one NAME alone it acts on that instance. With several names, or with selectors, it is "  \
	"one\n"                                                                                        \
	"operation with a part for each instance that all selectors take; how many that are is said, " \
	"and\n"                                                                                        \
	"asked for on a terminal, before anything begins."
#define SELECTORS                                                                                  \
	{"app", "NAME", "instances of this app; may be repeated"},                                     \
	    {"host", "NAME", "instances on this host; may be repeated"},                               \
	    {"tag", "TAG", "instances on hosts with this tag; may be repeated: all of them"},          \
	    {"az", "ZONE", "instances in this zone"},                                                  \
	{                                                                                              \
		"rack", "RACK", "instances in this rack"                                                   \
	}
#define MANY_CONTROLS                                                                              \
	{"parallel", "N", "so many at a time (default: 1 for restart, deploy and rebuild, else 4)"},   \
	    {"failures-max", "N", "begin no more after so many failures"},                             \
	    {"dry-run", NULL, "only say what would be hit"},                                           \
	{                                                                                              \
		"yes", NULL, "do not ask on a terminal"                                                    \
	}
#define MANY_OPTIONS OPTIONS(SELECTORS, MANY_CONTROLS)

/* commands_admin.c */
extern const cli_command cli_admin_commands[];
extern const size_t cli_admin_command_count;
/* commands_context.c */
extern const cli_command cli_context_commands[];
extern const size_t cli_context_command_count;
/* commands_host.c */
extern const cli_command cli_host_commands[];
extern const size_t cli_host_command_count;
/* commands_machine.c */
extern const cli_command cli_machine_commands[];
extern const size_t cli_machine_command_count;
/* commands_image.c */
extern const cli_command cli_image_commands[];
extern const size_t cli_image_command_count;
/* commands_operation.c */
extern const cli_command cli_operation_commands[];
extern const size_t cli_operation_command_count;
/* commands_package.c */
/* commands_middleware.c */
extern const cli_command cli_middleware_commands[];
extern const size_t cli_middleware_command_count;
extern const cli_command cli_package_commands[];
extern const size_t cli_package_command_count;
/* commands_elastic.c */
extern const cli_command cli_elastic_commands[];
extern const size_t cli_elastic_command_count;
/* commands_rules.c */
extern const cli_command cli_rules_commands[];
extern const size_t cli_rules_command_count;

/* Options about team and placement, of an app. */
#define PLACEMENT_OPTIONS                                                                          \
	{"team", "NAME", "the team that it belongs to"},                                               \
	    {"workload", "KIND", "service, latency, batch or system"},                                 \
	    {"priority", "N", "0 to 255; larger is more important"},                                   \
	    {"preemptable", "YES|NO", "may make room for an app of higher priority"},                  \
	    {"max-unavailable", "N", "at most so many are taken away at a time"},                      \
	    {"exclusive", "WITH", "shares hosts with: none (anybody), app, team, workload"},           \
	    {"spread", "LEVEL:WORDS",                                                                  \
	        "az, rack or host, then prefer, hard, none, skew=N, count=N; may be repeated"},        \
	    {"require", "TAG", "only on hosts with it; may be repeated"},                              \
	    {"forbid", "TAG", "never on hosts with it; may be repeated"},                              \
	    {"prefer", "TAG", "rather on hosts with it; may be repeated"},                             \
	    {"tolerate", "TAG", "may enter hosts that repel it; may be repeated"},                     \
	    {"zone", "AZ", "only there; may be repeated"},                                             \
	    {"apart", "APP[:LEVEL[:N]]", "where it runs, at most N of APP; may be repeated"},          \
	    {"together", "APP[:LEVEL]", "only where APP runs; may be repeated"},                       \
	{                                                                                              \
		"prefer-together", "APP[:LEVEL]", "rather where APP runs; may be repeated"                 \
	}

/* commands_rollout.c */
extern const cli_command cli_rollout_commands[];
extern const size_t cli_rollout_command_count;
/* Of what is rolled over the instances of an app. */
#define STRATEGY_OPTIONS                                                                           \
	{"plan", NULL, "only say which instances, in which order"},                                    \
	    {"batch", "N|N%", "so many instances at a time (default: 1)"},                             \
	    {"canary", "N", "so many first, alone"},                                                   \
	    {"order", "ORDER", "age, or one by one: az, rack, host, group"},                           \
	    {"away", "N", "at most so many are away at a time (default: the batch)"},                  \
	    {"pause", "WHEN", "wait after: canary, batch (default: never)"},                           \
	    {"pause-seconds", "N", "then go on after N s (default: when somebody says so)"},           \
	    {"bake-seconds", "N", "each batch must stay healthy for N s"},                             \
	    {"drain-seconds", "N", "out of rotation for N s before it is changed"},                    \
	    {"rotation-command", "CMD",                                                                \
	        "run in each instance: CMD out before it is changed, CMD in when it is well"},         \
	    {"error-permille", "N",                                                                    \
	        "more than N failed requests of 1000, as reported, are a failure"},                    \
	    {"on-failure", "WHAT", "stop (default), or roll_back"},                                    \
	{                                                                                              \
		"deadline-seconds", "N", "it has failed after N s"                                         \
	}
#define SURGE_OPTION                                                                               \
	{                                                                                              \
		"surge", "N", "so many helpers run while it lasts, so that nobody is missing"              \
	}

/* commands_ipam.c */
extern const cli_command cli_ipam_commands[];
extern const size_t cli_ipam_command_count;
/* commands_monitor.c */
extern const cli_command cli_monitor_commands[];
extern const size_t cli_monitor_command_count;
/* commands_audit.c */
extern const cli_command cli_audit_commands[];
extern const size_t cli_audit_command_count;
/* commands_users.c */
extern const cli_command cli_users_commands[];
extern const size_t cli_users_command_count;
/* commands_ssh.c */
extern const cli_command cli_ssh_commands[];
extern const size_t cli_ssh_command_count;

/* Of changes that can be looked at first. */
#define FORECAST_OPTIONS                                                                           \
	{"dry-run", NULL, "only say what would be placed where, and what would not"},                  \
	{                                                                                              \
		"if-still-true", "ETAG", "of a dry run: do just that, or nothing"                          \
	}

/* commands_placement.c */
extern const cli_command cli_placement_commands[];
extern const size_t cli_placement_command_count;

#endif
