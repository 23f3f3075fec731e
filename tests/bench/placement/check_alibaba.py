#!/usr/bin/env python3
"""Checks a placement of alibaba-2018-b against every rule of the competition, and counts its cost.

    check_alibaba.py DATA_FOLDER PLACEMENT.csv      (lines: instance,machine)

Reads the original files; shares no code with the core and the bench. Exact arithmetic: millionths.
"""
import collections
import math
import sys

SLOTS = 98


def millionths(text):
    whole, _, part = text.partition(".")
    return int(whole) * 10**6 + int((part + "000000")[:6])


def rows(folder, part):
    with open(f"{folder}/scheduling_preliminary_b_{part}_20180726.csv", encoding="ascii") as f:
        for line in f:
            yield line.strip().split(",")


def main():
    folder, placement = sys.argv[1:3]
    machines = {r[0]: [millionths(v) for v in r[1:]] for r in rows(folder, "machine_resources")}
    apps = {r[0]: ([millionths(v) for v in r[1].split("|")], [millionths(v) for v in r[2].split("|")],
                   [millionths(v) for v in r[3:]]) for r in rows(folder, "app_resources")}
    app_of = {r[0]: r[1] for r in rows(folder, "instance_deploy")}
    rules = collections.defaultdict(dict)
    for a, b, k in rows(folder, "app_interference"):
        rules[a][b] = int(k)
    on = collections.defaultdict(list)
    seen, wrong = set(), []
    with open(placement, encoding="ascii") as f:
        for line in f:
            instance, machine = line.strip().split(",")
            if instance in seen or instance not in app_of or machine not in machines:
                wrong.append(f"{instance} on {machine}: unknown or placed twice")
            seen.add(instance)
            on[machine].append(app_of[instance])
    cost = 0.0
    for machine, there in on.items():
        cpu, memory, *rest = machines[machine]
        for index, (name, limit) in enumerate((("cpu", cpu), ("memory", memory))):
            day = [sum(v) for v in zip(*(apps[a][index] for a in there))]
            if len(day) != SLOTS or max(day) > limit:
                wrong.append(f"{machine}: {name} {max(day)} of {limit}")
            if index == 0:
                cost += sum(1 + 10 * (math.exp(max(0.0, v / limit - 0.5)) - 1) for v in day) / SLOTS
        for d, limit in enumerate(rest):
            if sum(apps[a][2][d] for a in there) > limit:
                wrong.append(f"{machine}: limit {d} of disk, P, M, PM")
        count = collections.Counter(there)
        for a in count:
            for b, k in rules[a].items():
                if count[b] > k + (a == b):
                    wrong.append(f"{machine}: {a} with {count[b]} of {b}, at most {k}")
    print(f"{len(seen)} of {len(app_of)} instances placed on {len(on)} machines, cost {cost:.1f}, {len(wrong)} violations")
    for text in wrong[:20]:
        print(" ", text)
    return 1 if wrong or len(seen) != len(app_of) else 0


if __name__ == "__main__":
    sys.exit(main())
