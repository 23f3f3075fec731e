# The part of sotalia-ipam that compares its rows with the world: reports of hosts, leaks, restores, use over time.
set(ipam_TRUTH_CORE core/forecast.c core/leak.c core/truth.c core/truth_report.c)
set(ipam_TRUTH_SHELL shell/agents.c shell/truth_batch.c shell/truth_guard.c shell/truth_leak.c shell/truth_requests.c shell/usage.c)
set(ipam_TRUTH_TESTS forecast leak truth truth_report)
