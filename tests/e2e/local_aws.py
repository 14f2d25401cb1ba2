"""MiniStack, with two things that AWS does and it does not."""

import sys

from ministack.app import main
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


for name, module in list(sys.modules.items()):
    if name.startswith("ministack.") and getattr(module, "_evaluate_conditions", None) is evaluate:
        module._evaluate_conditions = lambda template, parameters: evaluate(
            template | {"Conditions": joined(template.get("Conditions", {}))}, parameters
        )

main()
