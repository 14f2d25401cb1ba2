"""Translates the SAM template to plain CloudFormation without a call to AWS: scanners see inside policies only there.

usage: python to_cloudformation.py template.yaml out.json Forwarders=out.json MemberRules=out.json …      (needs aws-sam-translator)
"""

import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.parser.parser import Parser  # noqa: F401, E402  (registers the resource types)
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    """The template names none, so none has to be looked up."""

    def load(self):
        return {}


def main(source, target, *stack_sets):
    with open(source, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    with open(target, "w", encoding="utf-8") as file:
        json.dump(transform(template, defaults, NoManagedPolicies()), file, indent=1)
    # The templates in the template, which to scanners are text.
    for name, path in (stack_set.split("=") for stack_set in stack_sets):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(yaml_parse(template["Resources"][name]["Properties"]["TemplateBody"]), file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
