"""MiniStack, with seven things that AWS does and it does not."""

import contextvars
import hashlib
import json
import re
import sys

from ministack.app import main
from ministack.core import iam_actions
from ministack.core.responses import get_region
from ministack.services import cloudformation, eventbridge, lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners

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
        case {"Ref": "AWS::Region"}:
            return get_region()
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": name} if name in parameters:
            return parameters[name]["Value"]
        # In the template that stack.py updates from.
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

# A stack of the same name in another Region has roles and buckets of its own.
name_of = provisioners._physical_name


def name_in_region(*args, **named):
    name = name_of(*args, **named)
    end = hashlib.sha256(f"{get_region()} {name}".encode()).hexdigest()[:4]
    return name[:-4] + (end if name.islower() else end.upper())


everywhere("_physical_name", name_of, name_in_region)


def resource(service, method, path, headers, body, query_params, region, account_id):
    # Whose targets are listed stands under another name than in a request about the rule itself.
    if service == "events" and b'"Rule"' in (body or b""):
        name = json.loads(body).get("Rule")
        if isinstance(name, str):
            return f"arn:aws:events:{region}:{account_id}:rule/{name}"
    found = resource_of(service, method, path, headers, body, query_params, region, account_id)
    return found.replace(":rule/default/", ":rule/")


everywhere("extract_resource_arn", resource_of, resource)


# What wakes a function by the bus or the schedule is an asynchronous call, whose answer goes on to the destination on success.
is_asynchronous = contextvars.ContextVar("is_asynchronous", default=False)
invoke, execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function


def invoke_and_hand_over(function, event):
    before = is_asynchronous.set(True)
    invoke(function, event)
    is_asynchronous.reset(before)


def execute_and_hand_over(function, event):
    result = execute(function, event)
    config = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    destination = (config.get("DestinationConfig") or {}).get("OnSuccess", {}).get("Destination")
    if is_asynchronous.get() and destination and not result.get("error"):
        answer = result["body"]
        record = {
            "version": "1.0",
            "requestContext": {"requestId": lambda_svc.new_uuid(), "condition": "Success", "approximateInvokeCount": 1},
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
            "responsePayload": json.loads(answer) if isinstance(answer, str | bytes) else answer,
        }
        invoke(lambda_svc._get_func_record_for_ref(destination)[0], record)
    return result


def dispatch(arn, payload):
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    invoke_and_hand_over(lambda_svc._execution_record_for_config(function, config), json.loads(payload))


eventbridge._dispatch_to_lambda = dispatch
everywhere("invoke_async_with_retry", invoke, invoke_and_hand_over)
everywhere("_execute_function", execute, execute_and_hand_over)

# How many batches of a distributed map run at once may stand in its input.
run_map = stepfunctions._run_distributed_map


def run_as_many_as_asked(state, raw_input, effective, *others):
    if "MaxConcurrencyPath" in state:
        state = state | {"MaxConcurrency": stepfunctions._resolve_path_or_ctx(state["MaxConcurrencyPath"], effective, {})}
    return run_map(state, raw_input, effective, *others)


stepfunctions._run_distributed_map = run_as_many_as_asked

# Last, as it goes on from what was replaced before.
import organization  # noqa: E402

organization.install()
main()
