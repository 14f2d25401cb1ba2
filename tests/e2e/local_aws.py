"""MiniStack, with three things that AWS does and it does not."""

import sys

from ministack.app import main
from ministack.core import iam_actions
from ministack.services import cloudformation, eventbridge

# AWS's own services put events whose source begins with `aws.`; nobody else may.
put_events = eventbridge._put_events
eventbridge._put_events = lambda data, **_: put_events(data, allow_aws_source=True)

# A condition may join a list. Here a list parameter is one string in a condition, which is empty when the list is.
evaluate = cloudformation.engine._evaluate_conditions


def joined(value):
    match value:
        case {"Fn::Join": [_, values]}:
            return joined(values)
        case dict():
            return {name: joined(inner) for name, inner in value.items()}
        case list():
            return [joined(inner) for inner in value]
    return value


# The ARN of a rule on the default bus does not name the bus.
resource_of = iam_actions.extract_resource_arn


def everywhere(name, old, new):
    for module in [module for path, module in sys.modules.items() if path.startswith("ministack.")]:
        if getattr(module, name, None) is old:
            setattr(module, name, new)


everywhere(
    "_evaluate_conditions",
    evaluate,
    lambda template, parameters: evaluate(
        template | {"Conditions": joined(template.get("Conditions", {}))}, parameters
    ),
)
everywhere(
    "extract_resource_arn",
    resource_of,
    lambda *args, **named: resource_of(*args, **named).replace(":rule/default/", ":rule/"),
)

main()
