"""MiniStack, with four things that AWS does and it does not."""

import re
import sys

from ministack.app import main
from ministack.core import iam_actions
from ministack.services import cloudformation, eventbridge

# AWS's own services put events whose source begins with `aws.`; nobody else may.
put_events = eventbridge._put_events
eventbridge._put_events = lambda data, **_: put_events(data, allow_aws_source=True)

# A condition may join a list, and split a text. Here a list parameter is one string in a condition, which is empty when the list is.
evaluate = cloudformation.engine._evaluate_conditions


def resolved(value, parameters):
    match value:
        case {"Fn::Join": [by, values]}:
            values = resolved(values, parameters)
            return by.join(values) if isinstance(values, list) else values
        case {"Fn::Split": [by, text]}:
            return resolved(text, parameters).split(by)
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{(\w+)\}", lambda name: parameters[name[1]]["Value"], text)
        case dict():
            return {name: resolved(inner, parameters) for name, inner in value.items()}
        case list():
            return [resolved(inner, parameters) for inner in value]
    return value


# The ARN of a rule on the default bus does not name the bus.
resource_of = iam_actions.extract_resource_arn


# One action is for all that reads budgets.
action_of = iam_actions.extract_iam_action


def action(*args, **named):
    called = action_of(*args, **named)
    return "budgets:ViewBudget" if called and called.startswith("budgets:Describe") else called


def everywhere(name, old, new):
    for module in [module for path, module in sys.modules.items() if path.startswith("ministack.")]:
        if getattr(module, name, None) is old:
            setattr(module, name, new)


everywhere(
    "_evaluate_conditions",
    evaluate,
    lambda template, parameters: evaluate(
        template | {"Conditions": resolved(template.get("Conditions", {}), parameters)}, parameters
    ),
)
everywhere("extract_iam_action", action_of, action)
everywhere(
    "extract_resource_arn",
    resource_of,
    lambda *args, **named: resource_of(*args, **named).replace(":rule/default/", ":rule/"),
)

main()
