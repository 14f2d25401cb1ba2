"""`make bench`: from an event on the bus to the message in a queue, over the local AWS, without the batch window.

The function is started again for every event. Beside it the floor: the rule hands the event to a topic by itself. Between the two lie
the queue, the start of the function and all that it does, so that our own time is less than their difference.
"""

import json
import statistics
import time
import uuid

from account import REGION, Account, Inbox, Webhook, wait_for
from stack import Stack

RUNS = 50
IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"


def measure(stack, inbox, prepare):
    """Milliseconds from the put to the message, sorted."""
    times = []
    for run in range(RUNS):
        prepare(run)
        event_id = str(uuid.uuid4())
        started = time.perf_counter()
        stack.root_signs_in(event_id)
        inbox.find(f"a message of {event_id}", 60, lambda message: event_id in json.dumps(message), pause=0.002)
        times.append((time.perf_counter() - started) * 1000)
        inbox.messages.clear()
    return sorted(times)


def through_the_function(account, stack):
    functions, sqs = account.client("lambda"), account.client("sqs")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], MaximumBatchingWindowInSeconds=0)

    def is_done():
        attributes = sqs.get_queue_attributes(QueueUrl=stack.resources["EventsQueue"], AttributeNames=[IN_FLIGHT])
        return attributes["Attributes"][IN_FLIGHT] == "0"

    def start_anew(run):
        wait_for("the run before is over", 30, is_done)
        # Another configuration: the environment that was warm is given up.
        functions.update_function_configuration(FunctionName=stack.resources["RootActivity"], Timeout=60 + run % 2)

    times = measure(stack, stack.inbox, start_anew)
    started = account.log().count("(cold start)")
    assert started >= RUNS, f"the function was started again for only {started} of {RUNS} events"
    return times


def past_the_function(account, stack):
    sns, events, rule = account.client("sns"), account.client("events"), f"{stack.name}-{REGION}-root"
    topic = sns.create_topic(Name="floor")["TopicArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in events.list_targets_by_rule(Rule=rule)["Targets"]])
    events.put_targets(Rule=rule, Targets=[{"Id": "floor", "Arn": topic}])
    return measure(stack, Inbox(account, topic, "floor"), lambda _: None)


def main():
    with Account() as account:
        stack = Stack(account, Webhook(), schedule="rate(1 hour)")
        ours = through_the_function(account, stack)
        floor = past_the_function(account, stack)
    print(f"\nFrom an event on the bus to the message in a queue, the function started again, {RUNS} times:")
    for name, times in (("through root-activity", ours), ("floor: bus and topic alone", floor)):
        print(f"  {name:<27} median {statistics.median(times):5.0f} ms   worst {times[-1]:5.0f} ms")
    own = statistics.median(ours) - statistics.median(floor)
    print(f"  our own time, less than            {own:5.0f} ms   (target: at most 150)")


if __name__ == "__main__":
    main()
