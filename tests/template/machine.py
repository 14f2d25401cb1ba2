"""Writes the definition of the state machine as AWS gets it, and checks what no validator sees: no state is out of reach, what starts again
is a task and never the map, and the role may do what the definition names.

usage: python machine.py build/template.json build/organization.asl.json      (needs cfn-lint, as as_deployed.py does)
"""

import json
import re
import sys

from as_deployed import ACCOUNT, Stack

NAME = "OrganizationMachine"
# Retries would begin all batches again (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html).
MAY_RETRY = {"Task"}
# Of an Express execution (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
EXPRESS_SECONDS = 300


def definition(machine, stack):
    """The definition with its substitutions, as CloudFormation makes it."""
    text, values = stack.value(machine["DefinitionString"]), stack.value(machine["DefinitionSubstitutions"])
    text = re.sub(r"\$\{(\w+)\}", lambda found: values.pop(found[1]), text)
    assert not values, f"substitutions that the definition does not have: {values}"
    return json.loads(text)


def machines(machine, path="machine"):
    """The machine, and those inside of its maps."""
    yield path, machine
    for name, state in machine["States"].items():
        if state["Type"] == "Map":
            yield from machines(state["ItemProcessor"], f"{path}.{name}")


def nexts(state):
    """The states that may follow."""
    found = [state[key] for key in ("Next", "Default") if key in state]
    return found + [inner["Next"] for key in ("Choices", "Catch") for inner in state.get(key, [])]


def faults(template):
    stack = Stack(template, OrganizationId="o-exampleorgid")
    resources = {name: properties for name, _, properties in stack.resources()}
    machine = resources[NAME]
    whole = definition(machine, stack)
    yield whole
    for path, each in machines(whole):
        states, reached, waiting = each["States"], set(), [each["StartAt"]]
        while waiting:
            name = waiting.pop()
            if name not in states:
                yield f"{path}: {name} is not there"
            elif name not in reached:
                reached.add(name)
                waiting += nexts(states[name])
        yield from (f"{path}.{name} is never reached" for name in sorted(set(states) - reached))
        for name, state in states.items():
            ends = state.get("End") or state["Type"] in ("Succeed", "Fail")
            if bool(ends) == bool(nexts(state)) and not (ends and state.get("Catch")):
                yield f"{path}.{name} neither ends nor goes on, or both"
            if "Retry" in state and state["Type"] not in MAY_RETRY:
                yield f"{path}.{name} is a {state['Type']} and has a Retry"
            if state["Type"] == "Task" and "TimeoutSeconds" not in state:
                yield f"{path}.{name} has no time limit"
            if state["Type"] == "Map":
                if state["ItemProcessor"]["ProcessorConfig"] != {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}:
                    yield f"{path}.{name} is no distributed map of Express executions"
                yield from (
                    f"{path}.{name}.{inner} may last longer than its execution"
                    for inner, task in state["ItemProcessor"]["States"].items()
                    if task.get("TimeoutSeconds", 0) >= EXPRESS_SECONDS
                )
    of_role = resources[f"{NAME}Role"]["Policies"]
    granted = {(a, r) for policy in of_role for s in policy["PolicyDocument"]["Statement"] for a in several(s["Action"]) for r in several(s["Resource"])}
    own, name = f"arn:aws:states:{stack.region}:{ACCOUNT}", machine["StateMachineName"]
    bucket = stack.physical("ReportBucket.Arn")
    called = {state["Parameters"]["FunctionName"] for _, each in machines(whole) for state in each["States"].values() if state["Type"] == "Task"}
    needed = {("lambda:InvokeFunction", function) for function in called} | {
        ("s3:GetObject", f"{bucket}/organization/runs/*"),
        ("states:DescribeExecution", f"{own}:execution:{name}:*"),
        ("states:StartExecution", f"{own}:stateMachine:{name}"),
        ("states:StopExecution", f"{own}:execution:{name}:*"),
    }
    yield from (f"the role lacks {each}" for each in sorted(needed - granted))
    yield from (f"nothing needs {each} of the role" for each in sorted(granted - needed))


def several(value):
    return [value] if isinstance(value, str) else value


def main(template, target):
    with open(template, encoding="utf-8") as file:
        whole, *found = faults(json.load(file))
    with open(target, "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=1)
    for fault in found:
        print(f"FAILED  {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
