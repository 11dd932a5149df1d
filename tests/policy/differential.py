#!/usr/bin/env python3
"""Holds the answers of `keytrail simulate` against another evaluator's. Says what differs, and exits 1 if anything does.

    differential.py MINE STRICT [OPEN]

MINE: lines {id, decision, reason, tri, ...}; STRICT: lines {id, decision, reason}; OPEN: lines {id, tri} for unknown context.
Cases that MINE marks as contested or undetermined are counted apart: both sides guess there.
"""
import collections
import json
import sys


def lines(path):
    with open(path, encoding="utf-8") as file:
        return {case["id"]: case for case in map(json.loads, file)}


def explained(ours, theirs):
    """Why a difference for unknown context is not one, or nothing (see tests/README.md)."""
    witness = {key.lower(): value for key, value in (theirs.get("witness") or {}).items()}
    if ours["tri"] == "denied" and str(witness.get("aws:userid", "")).startswith("AIDA"):
        return "explained: a role's aws:userid begins with the role's id"
    if ours["tri"] == "denied" and "aws:userid" in witness and ours["reason"] == "no_key_policy_allow":
        return "explained: a service has no aws:userid"
    if ours["tri"] == "denied" and any(key.startswith("aws:requesttag/") for key in witness):
        return "explained: the operation's request carries no tags"
    return None


def main():
    mine, strict = lines(sys.argv[1]), lines(sys.argv[2])
    open_context = lines(sys.argv[3]) if len(sys.argv) > 3 else {}
    seen, differ = collections.Counter(), collections.defaultdict(list)
    for identifier, theirs in strict.items():
        ours = mine.get(identifier, {"decision": "missing", "reason": "", "tri": "missing"})
        if theirs["decision"] == "error":
            seen["other evaluator failed"] += 1
            continue
        seen["decision"] += 1
        if "contested" in ours:
            seen["contested decision"] += 1
        elif ours.get("decision") != theirs["decision"]:
            differ["decision", theirs["decision"], ours.get("decision")].append(identifier)
        elif ours["reason"] != theirs["reason"]:
            differ["reason", theirs["reason"], ours["reason"]].append(identifier)
        tri = open_context.get(identifier, {}).get("tri")
        if tri in (None, "error", "too_many"):
            continue
        seen["tri"] += 1
        if ours["tri"] == "undetermined":
            seen["undetermined"] += 1
        elif ours["tri"] != tri:
            reason = explained(ours, open_context[identifier])
            if reason:
                seen[reason] += 1
            else:
                differ["tri", tri, ours["tri"]].append(identifier)
    print(dict(seen))
    for (what, theirs, ours), cases in sorted(differ.items()):
        print(f"{len(cases):6} {what}: other {theirs}, keytrail {ours}, e.g. {' '.join(cases[:5])}")
    sys.exit(1 if differ else 0)


main()
