"""Holds deployer.json together with CloudFormation's registry: each resource type has a row, with every action that its handlers call.

usage: python deployer.py build/template.json      (needs cfn-lint, for the schemas of the registry)
"""

import json
import sys
from pathlib import Path

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER


def handled(of_type):
    """The actions of the handlers that a deployment runs."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region="us-east-1", resource_type=of_type).schema
    handlers = schema.get("handlers", {})
    return {action for name in ("create", "read", "update", "delete") for action in handlers.get(name, {}).get("permissions", [])}


def faults(template, table):
    types = {resource["Type"] for resource in template["Resources"].values()}
    yield from (f"{of_type} has no row" for of_type in sorted(types - set(table["types"])))
    for of_type, row in table["types"].items():
        if of_type not in types:
            yield f"{of_type} is not in the template"
            continue
        listed, calls = {*row["needs"], *row["unused"]}, handled(of_type)
        calls = {action for action in calls if action.split(":")[0] not in table["unused_services"]}
        yield from (f"{of_type} calls {action}, which its row does not have" for action in sorted(calls - listed))
        yield from (f"{of_type} does not call {action}, which its row has" for action in sorted(listed - calls))


def main(template):
    table = json.loads(Path(__file__).with_name("deployer.json").read_text())
    found = list(faults(json.loads(Path(template).read_text()), table))
    print("\n".join(found) or "deployer.json has what the handlers call")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
