"""An AWS server (moto) that already holds keys, grants and roles in two accounts and two Regions.

The first account is the one that unknown access keys belong to. Arguments: keys, grants and roles in all. It prints its port and ends with its standard input."""
import json
import logging
import os
import sys
import threading

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
KEYS, GRANTS, ROLES = (int(word) for word in sys.argv[1:4])
ACCOUNTS, REGIONS = ("123456789012", "444455556666"), ("eu-west-1", "us-east-1")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
INLINE = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}, indent=2)


def populate():
    places = [(account, region) for account in ACCOUNTS for region in REGIONS]
    keys = []
    for number in range(KEYS):
        account, region = places[number % len(places)]
        backend = kms_backends[account][region]
        policy = json.dumps({"Version": "2012-10-17", "Id": str(number), "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}]}, indent=2)
        key = backend.create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", f"key {number}", [{"TagKey": "n", "TagValue": str(number)}])
        backend.create_alias(key.id, f"alias/k{number}")
        keys.append((backend, account, key.id))
    for number in range(GRANTS):
        backend, account, key = keys[number % len(keys)]
        backend.create_grant(key, f"arn:aws:iam::{account}:role/r{number}", ["Decrypt"], f"g{number}", {}, None)
    for number in range(ROLES):
        backend = iam_backends[ACCOUNTS[number % 2]]["aws"]
        backend.create_role(f"r{number}", TRUST, "/", None, "", [], None)
        backend.put_role_policy(f"r{number}", "inline", INLINE)


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
populate()
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
