#!/usr/bin/env python3
"""Replays placements of openb request by request and checks every one against the cluster.

    check_openb.py DATA_FOLDER PLACEMENT.csv...     (as the bench names them; lines: pod,node or pod, when refused)

Reads the original files; shares no code with the core and the bench. A pod stands on one node with enough cpu, memory and (files
"-gpu") thousandths of a GPU; files "-zones": three zones, nodes dealt out in turn, and of equal pods a zone may have one more than the
emptiest zone that has a node large enough, full or not. A refusal must be true: no node could have taken it.
"""
import collections
import csv
import os
import sys


def rows(path):
    with open(path, encoding="ascii", newline="") as f:
        yield from csv.DictReader(f)


def whole(text):
    return int(text or 0)


class Cluster:
    def __init__(self, folder, gpus, zones):
        self.names, self.free, self.zone = {}, [], []
        for at, r in enumerate(rows(f"{folder}/openb_node_list_all_node.csv")):
            self.names[r["sn"]] = at
            self.free.append([whole(r["cpu_milli"]), whole(r["memory_mib"]), 1000 * whole(r["gpu"]) if gpus else 0])
            self.zone.append(at % zones)
        self.zones = zones
        self.largest = [list(v) for v in self.free]
        self.capacity = [sum(v) for v in zip(*self.free)]
        self.there = collections.defaultdict(lambda: [0] * zones)

    def fits(self, at, need):
        free = self.free[at]
        return free[0] >= need[0] and free[1] >= need[1] and free[2] >= need[2]

    def ceiling(self, need):
        """How many of these a zone may have at most after the next one; 0 when no node is large enough."""
        if self.zones == 1:
            return sys.maxsize
        open_zones = {self.zone[at] for at, size in enumerate(self.largest) if all(s >= n for s, n in zip(size, need))}
        return 1 + min(self.there[need][z] for z in open_zones) if open_zones else 0

    def may(self, at, need, ceiling):
        return self.fits(at, need) and self.there[need][self.zone[at]] < ceiling

    def take(self, at, need):
        self.there[need][self.zone[at]] += 1
        for d in range(3):
            self.free[at][d] -= need[d]


def needs(folder, name, gpus):
    result = {}
    for r in rows(f"{folder}/{name}"):
        count, milli = whole(r["num_gpu"]), whole(r["gpu_milli"])
        gpu = 1000 * count if count > 1 else count * milli
        result[r["name"]] = (whole(r["cpu_milli"]), whole(r["memory_mib"]), gpu if gpus else 0)
    return result


def check(folder, path):
    source, _, kind = os.path.basename(path)[len("placement-"):-len(".csv")].rpartition("-")
    gpus, measured = kind == "gpu", 2 if kind == "gpu" else 0
    cluster, pods = Cluster(folder, gpus, 3 if kind == "zones" else 1), needs(folder, source, gpus)
    wrong, placed, refused, first = [], 0, 0, None
    with open(path, encoding="ascii") as f:
        for number, line in enumerate(f, 1):
            pod, node = line.rstrip("\n").split(",")
            need = pods[pod]
            ceiling = cluster.ceiling(need)
            if node:
                placed += 1
                if not cluster.may(cluster.names[node], need, ceiling):
                    wrong.append(f"line {number}: {pod} does not fit {node}")
                cluster.take(cluster.names[node], need)
                continue
            refused += 1
            if first is None:
                first = 1 - sum(v[measured] for v in cluster.free) / cluster.capacity[measured]
            if any(cluster.may(at, need, ceiling) for at in range(len(cluster.free))):
                wrong.append(f"line {number}: {pod} was refused and fits")
    print(f"{source} {kind}: {placed} placed, {refused} refused, {100 * (first or 0):.2f} % at the first refusal, {len(wrong)} violations")
    for text in wrong[:20]:
        print(" ", text)
    return not wrong and placed > 0 and refused > 0


if __name__ == "__main__":
    sys.exit(0 if all([check(sys.argv[1], path) for path in sys.argv[2:]]) and len(sys.argv) > 2 else 1)
