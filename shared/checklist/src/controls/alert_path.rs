//! The control `alert-path`: rules, targets, canary, schedule, trails and subscribers.

use facts::relay::Hearing;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::trails::{ManagementEvents, Trail, TrailStatus};
use facts::verdict::{Evidence, Status, Verdict};
use facts::watch::{Flight, Switch, Watch};

use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

/// Services that record root's sign-ins and what root does to its own credentials; a trail without them does not do.
const NEEDED: [&str; 2] = ["iam.amazonaws.com", "signin.amazonaws.com"];

/// How a finding names that no subscription is confirmed.
pub const SUBSCRIPTION: &str = "subscription";

/// The control.
pub const CONTROL: Control = Control {
    id: "alert-path",
    title: "Root alerting works end to end",
    violation: "real-time root alerts are down",
    step: None,
    severity: Severity::High,
    rationale: "Alerts within seconds need a trail that records, a rule that matches and a person who reads. An \
                attacker can switch off each of them, and then no alert is sent. That is often the first thing an \
                attacker does.",
    semantics: "Fails when no working trail records write management events in each Region that records root's \
                sign-ins (us-east-1, us-east-2, us-west-2). A multi-Region trail covers all of them; another trail \
                covers its home Region. A trail works when it is logging and its last delivery did not fail. Fails \
                when one of rootwatch's rules or its schedule is missing or disabled, or when a rule's target was \
                removed or changed from what the template sets (id, ARN, role, unchanged input). Fails when a canary \
                did not arrive: each check puts an event of its own on the bus of each watched Region. It takes the \
                path of root's events through rule, role and queue, and the next check fails if it did not arrive \
                within 5 minutes. The first check after a deployment only sends it. Targets are read in the first \
                check of an hour, on demand, and as long as this control fails. The canary tests the rule for root, \
                not the rule for tampering. Fails when no subscription is confirmed, or when one of rootwatch's \
                functions that forward messages (to Slack, to Amazon Q) is not subscribed or did not forward the \
                newest message that it got. Such a function counts as a subscriber when it delivered something in the \
                last 8 days; if there is no other confirmed subscriber, a check sends it a test message first. For \
                Amazon Q a message counts as delivered when its topic accepted it; no API shows whether the channel \
                displays it. Unknown when a watched Region's rules cannot be read (for example because an SCP denies \
                it; this is also a read error of that Region, and checks stay complete), and when a member account \
                cannot read the state of the organization's trail, which the management account can. Without a trail, \
                scheduled checks still find root activity, because CloudTrail's event history needs no trail; only the \
                alerts within seconds are missing. A run that does not know the names of rules and schedule and sends \
                no alerts evaluates the trails only. The trail's bucket, encryption and log file validation are not \
                evaluated here.",
    remediation: Remediation {
        console: &[
            "If you did not change this, an attacker may have switched off monitoring. Look for StopLogging, \
             DeleteTrail, UpdateTrail, PutEventSelectors, DisableRule, DeleteRule, RemoveTargets, UpdateSchedule and \
             DeleteSchedule in CloudTrail > Event history. It shows one Region at a time: check the trail's home Region, \
             the stack's Region and the forwarding Regions. If you cannot explain the change, treat the account as \
             compromised.",
            "If there is no trail: CloudTrail > Trails > Create trail. It records every Region. Management events: Read and \
             Write.",
            "If a trail does not qualify: open it and choose Start logging, edit its management events, or fix what \
             its delivery error names (the bucket, its policy or its key).",
            "If an SCP denies a Region: no events are forwarded from there. Exempt the roles of the stack in the \
             organization and run `./rootwatch forwarders`, or remove the Region from the parameter ForwardRegions. Scheduled \
             checks still find what is recorded there.",
            "If a canary did not arrive although rules and targets are right: check the stack's role ForwarderRole \
             and its policy, the queue's policy, the event source mapping of the function RootActivity, and its log.",
            "If a rule, its target or the schedule was changed: CloudFormation > Stacks > rootwatch > Stack actions > \
             Create change set, with the deployment mode that reverts drift. Keep every parameter at its existing value, \
             review the change set, then execute it. It restores what is missing or disabled.",
            "If no subscription is confirmed: confirm it in the email that AWS sent, or subscribe another address to the \
             topic.",
            "If a function does not forward: the finding and the function's log name the response. For Slack, put a \
             working webhook URL into the parameter. The next message that is delivered resolves it.",
        ],
        cli: &[
            "aws cloudtrail describe-trails --region us-east-1",
            "aws cloudtrail start-logging --name <trail ARN> --region <its home Region>",
            "aws cloudtrail get-event-selectors --trail-name <trail ARN> --region <its home Region>",
            "aws events list-targets-by-rule --rule <rule> --region <Region>",
        ],
    },
    sources: &[Source::Subscribers, Source::Trails, Source::Watch],
    user_of: no_user,
    mappings: &[(Framework::Cis3, "4.3"), (Framework::Cis5, "4.3"), (Framework::Cis6, "5.3"), (Framework::Cis7, "5.3")],
    references: &[
        Reference {
            name: "AWS: AWS service events delivered via AWS CloudTrail (a trail is needed)",
            url: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html",
        },
        Reference {
            name: "AWS: Creating a trail",
            url: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html",
        },
        Reference {
            name: "AWS: Using drift-aware change sets",
            url: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let mut path = Path::default();
    path.trails(snapshot);
    path.switches(snapshot);
    path.targets(snapshot);
    path.canaries(snapshot);
    path.subscribers(snapshot);
    Ok(path.verdict(snapshot))
}

/// What was seen of the path.
#[derive(Default)]
struct Path {
    /// Each thing that is wrong, a few words.
    faults: Vec<String>,
    resources: Vec<String>,
    /// With whether it is as it should be.
    evidence: Vec<(bool, Evidence)>,
    unread: Option<Unavailable>,
    /// Something that is wrong delays alerts until the next scan.
    is_slow: bool,
    /// The schedule is on, or its name is not configured.
    is_swept: bool,
    /// The schedule is known to be off.
    is_unswept: bool,
    /// Regions whose canary is on its way.
    flying: Vec<String>,
}

/// What a trail does for the Regions that it reaches.
enum Reach<'a> {
    Records,
    Not,
    Unknown(&'a Unavailable),
}

impl Path {
    fn trails(&mut self, snapshot: &Snapshot) {
        let trails = match &snapshot.trails {
            Ok(trails) => trails,
            Err(unavailable) => return self.miss(unavailable),
        };
        let mut gaps = Vec::new();
        let mut stopped: Vec<&Trail> = Vec::new();
        for region in snapshot.account.partition.sign_in_regions() {
            let reaching: Vec<(&Trail, Reach<'_>)> =
                trails.iter().filter(|trail| trail.reaches(region)).map(|trail| (trail, reach(trail))).collect();
            if reaching.iter().any(|(_, reach)| matches!(reach, Reach::Records)) {
                continue;
            }
            let unknown = reaching.iter().find_map(|(_, reach)| match reach {
                Reach::Unknown(unavailable) => Some(*unavailable),
                _ => None,
            });
            if let Some(unavailable) = unknown.or_else(|| snapshot.trails_unlisted.get(*region)) {
                self.miss(unavailable);
                continue;
            }
            gaps.push(*region);
            if reaching.is_empty() {
                self.resources.push(format!("no trail of {region}"));
            }
            for (trail, _) in reaching {
                if stop(trail).is_some() && !stopped.iter().any(|known| known.arn == trail.arn) {
                    stopped.push(trail);
                }
                if !self.resources.contains(&trail.arn) {
                    self.resources.push(trail.arn.clone());
                }
            }
        }
        for trail in trails {
            let evidence = snapshot.evidence(Source::Trails, trail.fact(), trail);
            self.evidence.push((!self.resources.contains(&trail.arn), evidence));
        }
        if trails.is_empty() && snapshot.trails_unlisted.is_empty() {
            self.evidence.push((false, snapshot.evidence(Source::Trails, "trails", "none")));
        }
        if !gaps.is_empty() {
            self.is_slow = true;
            let regions = listed(&gaps);
            let gap = format!("no working trail records write management events in {regions}");
            // Of several, the resources name each.
            let stop = match stopped.as_slice() {
                [trail] => stop(trail).map(|why| format!("{} {why}: ", trail.fact())),
                _ => None,
            };
            self.faults.push(format!("{}{gap}", stop.unwrap_or_default()));
        }
    }

    fn switches(&mut self, snapshot: &Snapshot) {
        let Some(watch) = &snapshot.watch else {
            self.is_swept = true;
            return;
        };
        self.is_swept = watch.schedule.state == Ok(Switch::Enabled);
        self.is_unswept = matches!(watch.schedule.state, Ok(Switch::Missing | Switch::Disabled));
        self.is_slow |= watch.rules.iter().any(|rule| matches!(rule.state, Ok(Switch::Missing | Switch::Disabled)));
        for (what, state) in watch.switches() {
            match state {
                Ok(Switch::Enabled) => {}
                Ok(state) => {
                    self.evidence.push((false, snapshot.evidence(Source::Watch, what.clone(), state)));
                    self.faults.push(format!("{what} is {state}"));
                    self.resources.push(what);
                }
                Err(unavailable) => self.miss(unavailable),
            }
        }
        for (region, unavailable) in watch.forwarding() {
            if let Some(unavailable) = unavailable {
                let evidence = snapshot.evidence(Source::Watch, format!("rules in {region}"), unavailable);
                self.evidence.push((false, evidence));
            }
        }
        for (name, regions) in watch.enabled() {
            let value = format!("enabled in {}", listed(&regions));
            self.evidence.push((true, snapshot.evidence(Source::Watch, format!("rule {name}"), value)));
        }
        if self.is_swept {
            let schedule = format!("schedule {}", watch.schedule.name);
            self.evidence.push((true, snapshot.evidence(Source::Watch, schedule, Switch::Enabled)));
        }
    }

    fn targets(&mut self, snapshot: &Snapshot) {
        let rules = snapshot.watch.iter().flat_map(|watch| &watch.rules);
        let rules: Vec<_> = rules.filter(|rule| rule.is_on() && rule.made.is_some()).collect();
        let mut right = Vec::new();
        for rule in &rules {
            match (&rule.targets, rule.misses()) {
                (Some(Err(unavailable)), _) => self.miss(unavailable),
                (Some(Ok(_)), Some(fault)) => {
                    let what = rule.label();
                    self.evidence.push((false, snapshot.evidence(Source::Watch, what.clone(), &fault)));
                    self.faults.push(format!("{what} {fault}"));
                    self.resources.push(what);
                    self.is_slow = true;
                }
                (Some(Ok(_)), None) => right.push(rule),
                (None, _) => {}
            }
        }
        let shown = match (right.len(), rules.iter().any(|rule| rule.targets.is_none())) {
            (0, false) => return,
            (0, true) => "not read in this check; they are read once an hour".to_owned(),
            (count, _) => format!("{count} as in the template"),
        };
        self.evidence.push((true, snapshot.evidence(Source::Watch, "targets of rules", shown)));
    }

    fn canaries(&mut self, snapshot: &Snapshot) {
        let mut arrived = Vec::new();
        for canary in snapshot.watch.iter().flat_map(|watch| &watch.canaries) {
            match canary.flight(snapshot.taken_at) {
                Flight::Arrived(arrival) => arrived.push(format!("from {} after {} s", canary.region, arrival.seconds)),
                Flight::Missed(sent_at) => {
                    let what = format!("canary of {}", canary.region);
                    let fault = format!("sent at {sent_at:.0}, did not arrive");
                    self.evidence.push((false, snapshot.evidence(Source::Watch, what.clone(), &fault)));
                    self.faults.push(format!("{what}: {fault}"));
                    self.resources.push(what);
                    self.is_slow = true;
                }
                Flight::First | Flight::OnItsWay if canary.sent == Some(Ok(())) => {
                    self.flying.push(canary.region.clone())
                }
                Flight::First | Flight::OnItsWay => {}
            }
            if let Some(Err(unavailable)) = &canary.sent {
                self.miss(unavailable);
            }
        }
        if !arrived.is_empty() {
            self.evidence
                .push((true, snapshot.evidence(Source::Watch, "canary", format!("arrived {}", arrived.join(", ")))));
        }
        if !self.flying.is_empty() {
            let value = format!("sent in {}; the next check evaluates it", listed(&self.flying));
            self.evidence.push((true, snapshot.evidence(Source::Watch, "canary on its way", value)));
        }
    }

    fn subscribers(&mut self, snapshot: &Snapshot) {
        for relay in &snapshot.relays {
            let hearing = relay.hearing(snapshot.taken_at);
            if let Hearing::Deaf(why) = &hearing {
                self.faults.push(format!("function {} does not forward messages ({why})", relay.name));
                self.resources.push(relay.name.clone());
            }
            let is_right = !matches!(hearing, Hearing::Deaf(_));
            self.evidence.push((is_right, snapshot.evidence(Source::Subscribers, relay.name.clone(), hearing)));
        }
        match &snapshot.subscribed {
            None => {}
            Some(Ok(confirmed)) => {
                let shown = if *confirmed { "yes" } else { "no" };
                self.evidence
                    .push((*confirmed, snapshot.evidence(Source::Subscribers, "a confirmed subscription", shown)));
                if !confirmed {
                    let other = if snapshot.relays.is_empty() { "" } else { "other " };
                    self.faults.push(format!("no {other}subscription is confirmed"));
                    self.resources.push(SUBSCRIPTION.into());
                }
            }
            Some(Err(unavailable)) => self.miss(unavailable),
        }
    }

    fn miss(&mut self, unavailable: &Unavailable) {
        self.unread.get_or_insert_with(|| unavailable.clone());
    }

    fn verdict(mut self, snapshot: &Snapshot) -> Verdict {
        // A failure keeps only so many pieces of evidence: what is wrong first.
        self.evidence.sort_by_key(|(is_right, _)| *is_right);
        let evidence: Vec<Evidence> = self.evidence.into_iter().map(|(_, evidence)| evidence).collect();
        match (self.faults.is_empty(), self.unread) {
            (false, _) => {
                let mut reason = self.faults.join("; ");
                if let Some(first) = reason.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                if self.is_slow {
                    reason.push_str(". Real-time alerts are down");
                    reason.push_str(if self.is_swept {
                        "; each scheduled check still finds root activity"
                    } else {
                        ""
                    });
                }
                if self.is_unswept {
                    reason.push_str(". No scheduled check runs");
                }
                Verdict::new(Status::Failed, reason, evidence).naming(self.resources)
            }
            (true, Some(unavailable)) => Verdict { evidence, ..unavailable.into() },
            (true, None) => {
                let seen = match &snapshot.watch {
                    None => "rules and schedule were not checked",
                    Some(_) if !self.flying.is_empty() => {
                        "rules and schedule are enabled; the canary is on its way, and the next check evaluates it"
                    }
                    Some(Watch { canaries, .. }) if canaries.iter().any(|canary| canary.awaited.is_some()) => {
                        "rules and schedule are enabled, and the canary arrived"
                    }
                    Some(_) => "rules and schedule are enabled; no canary was sent yet",
                };
                let reason = format!("A trail records root activity in every sign-in Region; {seen}");
                Verdict::new(Status::Passed, reason, evidence)
            }
        }
    }
}

/// What is known to be wrong outweighs what is not known.
fn reach(trail: &Trail) -> Reach<'_> {
    let works =
        trail.status.as_ref().map(|TrailStatus { is_logging, delivery_error }| *is_logging && delivery_error.is_none());
    let hears = trail.management_events.as_ref().map(|ManagementEvents { writes, excluded_sources, .. }| {
        *writes && !excluded_sources.iter().any(|source| NEEDED.contains(&source.as_str()))
    });
    match (works, hears) {
        (Ok(false), _) | (_, Ok(false)) => Reach::Not,
        (Ok(true), Ok(true)) => Reach::Records,
        (Err(unavailable), _) | (_, Err(unavailable)) => Reach::Unknown(unavailable),
    }
}

/// How a trail that was set up stopped, after its name.
fn stop(trail: &Trail) -> Option<String> {
    match trail.status.as_ref().ok()? {
        TrailStatus { is_logging: false, .. } => Some("is not logging".into()),
        TrailStatus { delivery_error: Some(error), .. } => Some(format!("cannot deliver ({error})")),
        TrailStatus { .. } => None,
    }
}

/// `a, b and c`.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [name] => (*name).to_owned(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::account::Partition;
    use facts::relay::{Note, Relay};
    use facts::testing::unavailable;

    const EVERYWHERE: &str = "No working trail records write management events in us-east-1, us-east-2 and us-west-2. Real-time alerts are down; each scheduled check still finds root activity";

    fn regional(name: &str, region: &str) -> Trail {
        let arn = format!("arn:aws:cloudtrail:{region}:111122223333:trail/{name}");
        Trail { arn, is_multi_region: false, home_region: region.into(), ..Trail::sound(name) }
    }

    fn facts(verdict: &Verdict) -> Vec<String> {
        verdict.evidence.iter().map(|evidence| format!("{} = {}", evidence.fact, evidence.value)).collect()
    }

    #[test]
    fn one_trail_of_every_region_with_all_that_is_on_passes_and_each_part_is_evidence() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!(verdict.status, Status::Passed);
        assert_eq!(
            facts(&verdict),
            [
                "trail management of eu-west-1 = every Region, logging, all management events",
                "rule rootwatch-root = enabled in eu-west-1 and us-east-1",
                "rule rootwatch-tampering = enabled in eu-west-1 and us-east-1",
                "schedule rootwatch-schedule = enabled",
                "targets of rules = 4 as in the template",
                "canary = arrived from eu-west-1 after 12 s, from us-east-1 after 12 s",
                "a confirmed subscription = yes",
            ]
        );
    }

    #[test]
    fn ct_17_no_trail_fails_in_every_sign_in_region_and_says_that_the_sweep_goes_on() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(Vec::new()));
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, EVERYWHERE));
        assert_eq!(verdict.resources, ["no trail of us-east-1", "no trail of us-east-2", "no trail of us-west-2"]);
        assert_eq!(facts(&verdict)[0], "trails = none");
    }

    #[test]
    fn ct_17_a_trail_that_does_not_log_or_cannot_deliver_or_leaves_out_writes_is_none() {
        type Break = fn(&mut Trail);
        let breaks: [(Break, &str); 5] = [
            (|trail| trail.status.as_mut().unwrap().is_logging = false, "NOT logging, all management events"),
            (
                |trail| trail.status.as_mut().unwrap().delivery_error = Some("NoSuchBucket".into()),
                "logging, delivery FAILS (NoSuchBucket), all management events",
            ),
            (
                |trail| trail.management_events.as_mut().unwrap().writes = false,
                "logging, only management events that READ",
            ),
            (
                |trail| {
                    trail.management_events =
                        Ok(ManagementEvents { reads: false, writes: false, excluded_sources: Vec::new() });
                },
                "logging, NO management events",
            ),
            (
                |trail| {
                    trail.management_events.as_mut().unwrap().excluded_sources = vec!["signin.amazonaws.com".into()]
                },
                "logging, all management events but those of signin.amazonaws.com",
            ),
        ];
        for (break_it, shown) in breaks {
            let verdict = verdict_of(&CONTROL, |snapshot| break_it(snapshot.trail()));
            let stop = match () {
                () if shown.starts_with("NOT") => "Trail management of eu-west-1 is not logging: n",
                () if shown.contains("FAILS") => "Trail management of eu-west-1 cannot deliver (NoSuchBucket): n",
                () => "N",
            };
            let expected = EVERYWHERE.replacen('N', stop, 1);
            assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, expected.as_str()), "{shown}");
            assert_eq!(verdict.resources, ["arn:aws:cloudtrail:eu-west-1:111122223333:trail/management"]);
            assert_eq!(facts(&verdict)[0], format!("trail management of eu-west-1 = every Region, {shown}"));
            let verdict = verdict_of(&CONTROL, |snapshot| {
                break_it(snapshot.trail());
                snapshot.trails.as_mut().unwrap().push(Trail::sound("second"));
            });
            assert_eq!(verdict.status, Status::Passed, "{shown}: another one does");
        }
    }

    #[test]
    fn what_a_trail_leaves_out_beside_roots_own_services_does_not_matter() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let events = snapshot.trail().management_events.as_mut().unwrap();
            events.reads = false;
            events.excluded_sources = vec!["kms.amazonaws.com".into(), "rdsdata.amazonaws.com".into()];
        });
        assert_eq!(verdict.status, Status::Passed);
    }

    #[test]
    fn ct_17_a_trail_of_one_region_does_for_that_one_and_the_others_are_named() {
        let of = |regions: &[&str]| {
            verdict_of(&CONTROL, |snapshot| {
                snapshot.trails = Ok(regions.iter().map(|region| regional("audit", region)).collect());
            })
        };
        assert_eq!(of(&["us-east-1", "us-east-2", "us-west-2"]).status, Status::Passed);
        let verdict = of(&["eu-west-1", "us-east-1"]);
        assert_eq!(verdict.status, Status::Failed);
        assert!(verdict.reason.contains("in us-east-2 and us-west-2."), "{}", verdict.reason);
        assert_eq!(verdict.resources, ["no trail of us-east-2", "no trail of us-west-2"]);
        let verdict = of(&["us-east-1", "us-west-2"]);
        assert!(verdict.reason.contains("in us-east-2."), "{}", verdict.reason);
    }

    #[test]
    fn a_region_that_did_not_list_its_trails_is_unknown_alone_and_only_without_a_trail_of_every_region() {
        let partly = |trails: Vec<Trail>, unlisted: &str| {
            verdict_of(&CONTROL, |snapshot| {
                snapshot.trails = Ok(trails);
                snapshot.trails_unlisted.insert(unlisted.into(), unavailable(Source::Trails));
            })
        };
        assert_eq!(partly(vec![Trail::sound("management")], "us-east-2").status, Status::Passed);
        let two = || vec![regional("audit", "us-east-1"), regional("audit", "us-west-2")];
        assert_eq!(partly(two(), "us-east-2").status, Status::Unknown);
        let verdict = partly(two(), "us-west-2");
        assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec!["no trail of us-east-2".to_owned()]));
    }

    #[test]
    fn each_partition_has_sign_in_regions_of_its_own() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.account.partition = Partition::China;
            snapshot.trails = Ok(vec![regional("audit", "cn-north-1")]);
        });
        assert_eq!(verdict.status, Status::Passed);
    }

    #[test]
    fn an_organizations_trail_that_a_member_may_not_read_is_unknown_unless_another_one_does() {
        let hidden = || Trail {
            is_organization: true,
            status: Err(unavailable(Source::Trails)),
            management_events: Err(unavailable(Source::Trails)),
            ..Trail::sound("organization")
        };
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(vec![hidden()]));
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.contains("was denied"), "{}", verdict.reason);
        assert!(
            facts(&verdict)[0].contains("of the organization, not known whether it is logging"),
            "{:?}",
            facts(&verdict)
        );
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(vec![hidden(), Trail::sound("own")]));
        assert_eq!(verdict.status, Status::Passed);
        let half = Trail { status: Ok(TrailStatus { is_logging: false, delivery_error: None }), ..hidden() };
        assert_eq!(
            verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(vec![half])).status,
            Status::Failed,
            "known enough"
        );
    }

    #[test]
    fn of_several_trails_that_stopped_the_resources_name_each_and_the_reason_none() {
        let stopped =
            |name| Trail { status: Ok(TrailStatus { is_logging: false, delivery_error: None }), ..Trail::sound(name) };
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.trails = Ok(vec![stopped("a"), stopped("b")]));
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, EVERYWHERE));
        assert_eq!(verdict.resources.len(), 2, "{:?}", verdict.resources);
    }

    #[test]
    fn a_rule_or_a_schedule_that_is_missing_or_disabled_fails_and_is_named_with_its_region() {
        for (state, word) in [(Switch::Missing, "missing"), (Switch::Disabled, "disabled")] {
            let verdict = verdict_of(&CONTROL, |snapshot| snapshot.watch.as_mut().unwrap().rules[2].state = Ok(state));
            assert_eq!(verdict.status, Status::Failed);
            let expected = format!(
                "Rule rootwatch-root in us-east-1 is {word}. Real-time alerts are down; each scheduled check still finds root activity"
            );
            assert_eq!(
                (verdict.reason, verdict.resources),
                (expected, vec!["rule rootwatch-root in us-east-1".to_owned()])
            );
            assert_eq!(verdict.evidence[0].value, word, "what is wrong stands first");
            let verdict = verdict_of(&CONTROL, |snapshot| snapshot.watch.as_mut().unwrap().schedule.state = Ok(state));
            assert_eq!(verdict.reason, format!("Schedule rootwatch-schedule is {word}. No scheduled check runs"));
            assert_eq!(verdict.resources, ["schedule rootwatch-schedule"]);
        }
    }

    #[test]
    fn that_the_sweep_goes_on_is_not_said_when_the_schedule_is_off_or_unread() {
        let schedules = [(Ok(Switch::Disabled), true), (Err(unavailable(Source::Watch)), false)];
        for (schedule, is_known) in schedules {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.trails = Ok(Vec::new());
                snapshot.watch.as_mut().unwrap().schedule.state = schedule;
            });
            assert!(!verdict.reason.contains("still finds"), "{}", verdict.reason);
            assert_eq!(verdict.reason.contains("No scheduled check runs"), is_known, "{}", verdict.reason);
        }
    }

    #[test]
    fn without_a_confirmed_subscription_it_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.subscribed = Some(Ok(false)));
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, "No subscription is confirmed"));
    }

    fn slack(failed: Option<&str>) -> Relay {
        let sent_at = "2026-11-20T09:00:00Z".parse().unwrap();
        let note = |error: Option<&str>| Note { message_id: "1".into(), sent_at, error: error.map(str::to_owned) };
        let passed = failed.is_none().then(|| note(None));
        let name = "rootwatch-SlackNotifier-1".into();
        Relay { name, is_subscribed: true, handed: None, passed, failed: failed.map(|error| note(Some(error))) }
    }

    #[test]
    fn a_function_that_does_not_forward_is_named_with_the_answer_also_beside_another_subscriber() {
        let answer = "WebhookRefused: Slack's webhook refused the message: 404 (no_service)";
        let deaf = format!("Function rootwatch-SlackNotifier-1 does not forward messages ({answer})");
        for (others, reason) in [(true, deaf.clone()), (false, format!("{deaf}; no other subscription is confirmed"))] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.relays = vec![slack(Some(answer))];
                snapshot.subscribed = Some(Ok(others));
            });
            assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, reason.as_str()));
            assert_eq!(verdict.resources[0], "rootwatch-SlackNotifier-1");
        }
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.relays = vec![slack(None)]);
        assert_eq!(verdict.status, Status::Passed);
        assert!(facts(&verdict).contains(&"rootwatch-SlackNotifier-1 = passes on what it gets".to_owned()));
    }

    #[test]
    fn what_could_not_be_read_is_unknown_unless_something_is_known_to_be_broken() {
        let blinds: [fn(&mut Snapshot); 6] = [
            |snapshot| snapshot.watch.as_mut().unwrap().rules[0].targets = Some(Err(unavailable(Source::Watch))),
            |snapshot| snapshot.watch.as_mut().unwrap().canaries[0].sent = Some(Err(unavailable(Source::Watch))),
            |snapshot| snapshot.trails = Err(unavailable(Source::Trails)),
            |snapshot| snapshot.watch.as_mut().unwrap().rules[0].state = Err(unavailable(Source::Watch)),
            |snapshot| snapshot.watch.as_mut().unwrap().schedule.state = Err(unavailable(Source::Watch)),
            |snapshot| snapshot.subscribed = Some(Err(unavailable(Source::Subscribers))),
        ];
        for blind in blinds {
            assert_eq!(verdict_of(&CONTROL, blind).status, Status::Unknown);
            let verdict = verdict_of(&CONTROL, |snapshot| {
                blind(snapshot);
                snapshot.watch.as_mut().unwrap().rules[1].state = Ok(Switch::Disabled);
            });
            assert_eq!(verdict.status, Status::Failed);
        }
    }

    #[test]
    fn a_target_that_was_removed_or_leads_elsewhere_fails_and_one_that_was_not_read_is_said() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let rules = &mut snapshot.watch.as_mut().unwrap().rules;
            rules[0].targets = Some(Ok(Vec::new()));
            rules[3].targets.as_mut().unwrap().as_mut().unwrap()[0].role =
                Some("arn:aws:iam::111122223333:role/x".into());
        });
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (
                Status::Failed,
                "Rule rootwatch-root in eu-west-1 has lost its target `queue`; rule rootwatch-tampering in us-east-1 sends events \
                 with arn:aws:iam::111122223333:role/x in place of no role. Real-time alerts are down; each scheduled check still finds root activity"
            )
        );
        assert_eq!(verdict.resources, ["rule rootwatch-root in eu-west-1", "rule rootwatch-tampering in us-east-1"]);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.watch.as_mut().unwrap().rules.iter_mut().for_each(|rule| rule.targets = None);
        });
        assert_eq!(verdict.status, Status::Passed);
        assert!(
            facts(&verdict)
                .contains(&"targets of rules = not read in this check; they are read once an hour".to_owned())
        );
    }

    #[test]
    fn a_canary_that_did_not_arrive_fails_with_its_region_and_the_first_one_is_waited_for() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.watch.as_mut().unwrap().canaries[1].arrived = None);
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (
                Status::Failed,
                "Canary of us-east-1: sent at 2026-11-20T09:45:00Z, did not arrive. Real-time alerts are down; each scheduled check still finds root activity"
            )
        );
        assert_eq!(verdict.resources, ["canary of us-east-1"]);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            for canary in &mut snapshot.watch.as_mut().unwrap().canaries {
                (canary.awaited, canary.arrived) = (None, None);
            }
        });
        assert_eq!(verdict.status, Status::Passed);
        assert!(
            verdict.reason.ends_with("the canary is on its way, and the next check evaluates it"),
            "{}",
            verdict.reason
        );
        let sent = "canary on its way = sent in eu-west-1 and us-east-1; the next check evaluates it".to_owned();
        assert!(facts(&verdict).contains(&sent));
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.watch.as_mut().unwrap().canaries.clear());
        assert!(verdict.reason.ends_with("no canary was sent yet"), "{}", verdict.reason);
    }

    #[test]
    fn a_region_whose_rules_are_denied_is_named_and_what_is_missing_there_is_too() {
        let denied = |snapshot: &mut Snapshot| {
            let watch = snapshot.watch.as_mut().unwrap();
            let why =
                || Unavailable { operation: "events:ListRules in us-east-1".into(), ..unavailable(Source::Watch) };
            for rule in watch.rules.iter_mut().filter(|rule| rule.region == "us-east-1") {
                (rule.state, rule.targets) = (Err(why()), None);
            }
            watch.canaries[1].sent = Some(Err(why()));
        };
        let verdict = verdict_of(&CONTROL, denied);
        let why = "rules and schedule: events:ListRules in us-east-1 was denied (AccessDenied)";
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Unknown, why));
        assert_eq!(facts(&verdict)[0], format!("rules in us-east-1 = {why}"));
        let verdict = verdict_of(&CONTROL, |snapshot| {
            denied(snapshot);
            snapshot.watch.as_mut().unwrap().rules[3].state = Ok(Switch::Missing);
        });
        assert!(verdict.reason.starts_with("Rule rootwatch-tampering in us-east-1 is missing."), "{}", verdict.reason);
    }

    #[test]
    fn a_run_without_names_evaluates_the_trails_only_and_says_so() {
        let verdict = verdict_of(&CONTROL, |snapshot| (snapshot.watch, snapshot.subscribed) = (None, None));
        assert_eq!(verdict.status, Status::Passed);
        assert!(verdict.reason.ends_with("rules and schedule were not checked"), "{}", verdict.reason);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            (snapshot.watch, snapshot.subscribed, snapshot.trails) = (None, None, Ok(Vec::new()));
        });
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Failed, EVERYWHERE));
    }
}
