"""An AWS server (moto) that already holds an organization and trails: more accounts, units and policies than a page of
Organizations has (20), and trails with basic and advanced event selectors, one of them stopped.

It prints its port, then one line of JSON that says what was created, and ends with its standard input. Its paging is moto's;
what moto does not page is ListTargetsForPolicy, and no member account sees the organization's trail."""
import json
import logging
import os
import sys
import threading

from moto.cloudtrail.models import cloudtrail_backends
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
MANAGEMENT = "123456789012"
ACCOUNTS, UNITS, SERVICE_POLICIES, RESOURCE_POLICIES = 43, 21, 22, 3


def organization():
    backend = organizations_backends[MANAGEMENT]["aws"]
    backend.create_organization(region="us-east-1", FeatureSet="ALL")
    root = backend.org.root_id
    for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"):
        backend.enable_policy_type(RootId=root, PolicyType=kind)
    units = []
    for number in range(UNITS):
        # The last three stand below each other.
        parent = root if number < UNITS - 3 else units[-1]
        unit = backend.create_organizational_unit(ParentId=parent, Name=f"unit {number}")
        units.append(unit["OrganizationalUnit"]["Id"])
    accounts = []
    for number in range(ACCOUNTS):
        status = backend.create_account(AccountName=f"account {number}", Email=f"a{number}@example.com")
        accounts.append(status["CreateAccountStatus"]["AccountId"])
        # More than a page in one unit, some in the deepest, the rest below the root.
        if number < 25:
            backend.move_account(AccountId=accounts[-1], SourceParentId=root, DestinationParentId=units[0])
        elif number < 30:
            backend.move_account(AccountId=accounts[-1], SourceParentId=root, DestinationParentId=units[-1])
    backend.close_account(AccountId=accounts[7])
    everything = [root, *units, *accounts]
    for number in range(SERVICE_POLICIES + RESOURCE_POLICIES):
        kind = "SERVICE_CONTROL_POLICY" if number < SERVICE_POLICIES else "RESOURCE_CONTROL_POLICY"
        statement = {"Sid": f"S{number}", "Effect": "Deny", "Action": ["kms:ScheduleKeyDeletion"], "Resource": "*"}
        if kind == "RESOURCE_CONTROL_POLICY":
            statement["Principal"] = "*"
        # Each laid out in its own way: what is kept is the text, not its meaning.
        content = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=number % 4 or None)
        policy = backend.create_policy(Name=f"policy {number}", Description="", Type=kind, Content=content)
        # The first is attached to more targets than a page has.
        for target in everything[:30] if number == 0 else everything[number : number + 2]:
            backend.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=target)
    return backend


def trails(member):
    basic = [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": [],
              "ExcludeManagementEventSources": ["rdsdata.amazonaws.com"]}]
    advanced = [{"Name": "no reads of KMS", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]},
                {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}]},
                {"Name": "writes", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]},
                {"Field": "readOnly", "Equals": ["false"]}]}]
    made = [
        (MANAGEMENT, "us-east-1", "everywhere", True, True, [], advanced, True),
        (MANAGEMENT, "eu-west-1", "local", False, False, basic, [], True),
        (member, "eu-central-1", "stopped", True, False, basic[:], [], False),
    ]
    said = []
    for account, region, name, multi, whole, selectors, advanced_selectors, logging_now in made:
        bucket = f"{name}-{account}"
        s3_backends[account]["aws"].create_bucket(bucket, region)
        backend = cloudtrail_backends[account][region]
        trail = backend.create_trail(name, bucket, "logs", None, True, multi, True, whole, None, None, None, [])
        backend.put_event_selectors(name, selectors, advanced_selectors)
        backend.start_logging(name)
        if not logging_now:
            backend.stop_logging(name)
        said.append({"account_id": account, "trail_arn": trail.arn, "name": name, "home_region": region, "s3_bucket_name": bucket,
                     "s3_key_prefix": "logs", "is_multi_region": multi, "is_organization_trail": whole, "is_logging": logging_now,
                     "event_selectors": selectors, "advanced_event_selectors": advanced_selectors})
    return said


def path_of(backend, account):
    parents = {unit.id: unit.parent_id for unit in backend.ou}
    path, at = [], account.parent_id
    while at:
        path.insert(0, at)
        at = parents.get(at)
    return path


def created():
    backend = organization()
    member = backend.accounts[1].id
    return {
        "organization_id": backend.org.id,
        "accounts": [{"account_id": a.id, "name": a.name, "state": a.state, "path": path_of(backend, a)} for a in backend.accounts],
        "units": len(backend.ou) - 1,
        "policies": [{"policy_id": p.id, "policy_type": p.type, "policy_name": p.name, "content": p.content,
                      "targets": sorted(t.id for t in p.attachments)} for p in backend.policies],
        "trails": trails(member),
    }


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
said = created()
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
print(json.dumps(said), flush=True)
server.serve_forever()
