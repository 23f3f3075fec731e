"""Changes of many instances at once: a bulk operation, a rebalance, and who is idle. Three hosts on one VLAN."""

import lab

ORDER = 86
HOSTS = 3
TIGHT = {"spread": {"host": {"maxSkew": 1}}}


def well(app, count):
    found = lab.instances(app)
    return found if len(found) == count and all(i["state"] == "running" and i["health"] == "healthy" for i in found) else None


def have(app, count, **changes):
    lab.have(app, count, **changes)
    return lab.until(f"{app} to be well", lambda: well(app, count), 90)


def test_01_one_change_of_many_is_shown_first_counted_and_has_a_child_for_each():
    """A dry run changes nothing; another count than was expected refuses; each target is a child with an end of its own."""
    before = {i["id"]: i["startedAt"] for app in ("many-a", "many-b") for i in have(app, 2)}
    body = {"action": "restart", "apps": ["many-a", "many-b"], "parallel": 2}
    shown = lab.api("POST", "/v1/operations/bulk", {**body, "dryRun": True}, lab.key())
    assert shown.status == 200 and shown.json["matched"]["count"] == 4, shown.body
    refused = lab.api("POST", "/v1/operations/bulk", {**body, "expect": 3}, lab.key())
    assert refused.status in (409, 412), refused.body
    assert {i["id"]: i["startedAt"] for app in ("many-a", "many-b") for i in lab.instances(app)} == before
    bulk = lab.post("/v1/operations/bulk", {**body, "expect": 4})
    ended = lab.finished(bulk)
    children = lab.api("GET", f"/v1/operations?parent={bulk}&limit=50").json["items"]
    assert ended["state"] == "done" and len(children) == 4 and all(c["state"] == "done" for c in children), (ended, children)
    after = {i["id"]: i["startedAt"] for app in ("many-a", "many-b") for i in lab.until(app, lambda a=app: well(a, 2), 60)}
    assert after.keys() == before.keys() and all(after[k] != before[k] for k in before), (before, after)


def test_02_a_rebalance_mends_what_stands_against_a_new_rule():
    """moby 24103: nothing moves by itself; the plan names the moves and is then carried out, with the addresses kept."""
    lab.cli("host", "set", "h1", "--tag=only-here", "--wait")
    have("lopsided", 3, recovery="replaceable", placement={"tags": {"required": ["only-here"]}})
    before = {i["id"]: i["address"] for i in lab.instances("lopsided")}
    assert {i["host"] for i in lab.instances("lopsided")} == {"h1"}
    update = lab.api("PUT", "/v1/apps/lopsided", {"placement": TIGHT}, lab.key())
    assert update.status == 202, update.body
    lab.finished(update.json["operation"]["id"])
    assert {i["host"] for i in lab.instances("lopsided")} == {"h1"}, "new rules move nothing"
    plan = lab.cli_json("rebalance", "--plan")
    mends = [m for m in plan["moves"] if m["instance"].startswith("lopsided-")]
    assert mends and all(m["from"] == "h1" and m["mends"] for m in mends), plan
    lab.cli("rebalance", "--wait", timeout=180)
    after = lab.until("it to be well again", lambda: well("lopsided", 3), 60)
    on = [sum(i["host"] == h for i in after) for h in lab.HOSTS]
    assert max(on) - min(on) <= 1, on
    assert {i["id"]: i["address"] for i in after} == before and all(lab.redis_pings(a) for a in before.values())
    lab.cli("host", "set", "h1", "--tag=", "--wait")
    lab.invariants()


def idle(*options):
    return {i["instance"]: i for i in lab.cli_json("idle", "--app=sleeper", *options)["items"]}


def test_03_who_is_not_used_is_listed_with_what_it_keeps_booked():
    """Figures of real agents: who was just made is not idle, who was not used for three weeks is."""
    name = have("sleeper", 1)[0]["name"]
    lab.until("its agent to have told of it", lambda: idle("--days=0"), 60)
    assert not idle(), "it was just made"
    lab.sql("UPDATE scheduler.instance_use u SET used_at = now() - interval '20 days' FROM scheduler.instance i "
            f"WHERE i.id = u.instance_id AND i.name = '{name}'")
    found = idle()[name]
    assert found["idleDays"] == 20 and found["booked"]["memoryBytes"] > 0, found
    lab.invariants()
