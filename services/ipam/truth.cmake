# The part of sotalia-ipam that compares its rows with the world: reports of hosts, leaks, restores, use over time.
set(ipam_TRUTH_CORE core/forecast.c core/leak.c core/truth.c core/truth_report.c)
set(ipam_TRUTH_SHELL)
set(ipam_TRUTH_TESTS forecast leak truth truth_report)
