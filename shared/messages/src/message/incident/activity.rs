//! Incidents of root's activity and of monitoring tampering: one a session, one an identity.

use alerts::{Alert, ConditionAlert};
use facts::root_activity::{Kind, Mfa, RootActivity};
use facts::severity::Severity;
use facts::tampering::Tampering;

use super::{Incident, MAX_INCIDENTS, Maker, Subject};
use crate::message::fact::Fact;
use crate::message::times::stamp_of;
use crate::message::{playbook, session, words};

impl<'a> Maker<'a, '_> {
    /// With how many actions there are in more sessions.
    pub(super) fn sessions(&self, folded: &mut Vec<&'a str>) -> (Vec<Incident<'a>>, usize) {
        let is_shown = |(_, act): &(&Alert, &RootActivity)| !words::is_in_sum(act) && act.kind != Kind::SignInFailed;
        let mut of_sessions: Vec<Vec<(&'a Alert, &'a RootActivity)>> = Vec::new();
        let mut rest = self.sorted.acts.iter().copied();
        // The acts of a session stand together.
        for session in session::sessions(self.sorted.acts.iter().copied()) {
            let of_session: Vec<_> = rest.by_ref().take(session.acts.len()).filter(is_shown).collect();
            of_sessions.extend((!of_session.is_empty()).then_some(of_session));
        }
        let others = of_sessions.iter().skip(MAX_INCIDENTS).flatten();
        let other_acts = words::count(others.map(|(_, act)| *act));
        let mut incidents = Vec::new();
        for of_session in of_sessions.into_iter().take(MAX_INCIDENTS) {
            let Some((&(alert, act), also)) = of_session.split_first() else { continue };
            let acts: Vec<&RootActivity> = of_session.iter().map(|(_, act)| *act).collect();
            let from = acts.iter().filter_map(|act| act.since()).min();
            let to = acts.iter().filter_map(|act| act.time).max();
            let values = |act: &RootActivity| self.values().of_act(act, from);
            // Only what was done is undone.
            let done = acts.iter().take(1).chain(acts.iter().skip(1).filter(|act| act.error.is_none()));
            let opened = self.caused_by(act.severity, acts.iter().flat_map(|act| consequences(act)), folded);
            let is_planned = act.planned.is_some();
            let title = if is_planned { format!("planned {}", act.headline()) } else { act.headline() };
            incidents.push(Incident {
                severity: worst(act.severity, &opened),
                weight: act.severity.to_string(),
                title,
                facts: self.facts(act),
                why: Some(act.words().why),
                steps: playbook::of_acts(done.map(|act| (*act, values(act)))),
                commands: Vec::new(),
                event: act.console_url(self.account),
                more: None,
                heading: act.topic().headline,
                alert,
                what: Subject::Session { also: also.iter().map(|(_, act)| *act).collect(), from, to },
                opened,
            });
        }
        (incidents, other_acts)
    }

    fn facts(&self, act: &RootActivity) -> Vec<Fact> {
        let who = match &act.federated_user {
            Some(name) => format!("federated user {name}, in a session issued by root, MFA {}", act.mfa.words()),
            None => format!("root user, MFA {}", act.mfa.words()),
        };
        let when = match &act.folded {
            Some(folded) => {
                let since = stamp_of(folded.since, self.at);
                format!("{}; {} times since {since}, this is the newest", stamp_of(act.time, self.at), folded.count)
            }
            None => stamp_of(act.time, self.at),
        };
        let from = words::address(act, str::to_owned, "address not recorded");
        let mut facts = vec![
            Fact::ours("Who", who),
            Fact::ours("When", when),
            Fact::ours("From", format!("{from} (recorded in {})", act.region)),
        ];
        facts.extend(act.target.as_deref().map(|target| Fact::quoted("Resource", target)));
        facts.extend(act.error.as_deref().map(|error| Fact::quoted("Refused", error)));
        facts.push(Fact::ours("Call", format!("{} ({})", act.event_name, act.event_source)));
        facts.push(match act.user_agent.as_deref() {
            Some(agent) => Fact::quoted("User agent", agent),
            None => Fact::ours("User agent", "not recorded"),
        });
        facts.extend(words::remarks(act, self.at));
        facts
    }

    /// Failed sign-ins, and calls that only read: counted, however many there are.
    pub(super) fn counted(&self, is_beside: bool) -> Vec<Incident<'a>> {
        let acts = words::Acts::of(self.sorted);
        let sums = acts.sums(self.at);
        sums.into_iter()
            .filter_map(|(sum, kind)| {
                let acts = if kind == Kind::SignInFailed { &acts.failed_sign_ins } else { &acts.reads };
                let first = acts.first()?;
                let alert = self.sorted.acts.iter().find(|(_, act)| std::ptr::eq(*act, *first))?.0;
                let words = kind.words();
                let mfa = if kind == Kind::SignInFailed { "not signed in" } else { "root user" };
                Some(Incident {
                    severity: sum.severity,
                    weight: sum.severity.to_string(),
                    title: sum.what,
                    facts: vec![
                        Fact::ours("Who", mfa),
                        Fact::ours("When", sum.when),
                        Fact::ours("From", words::some_of(&sum.addresses, str::to_owned)),
                        Fact::ours("Call", words::some_of(&sum.calls, str::to_owned)),
                    ],
                    why: (!is_beside).then_some(words.why),
                    steps: if is_beside {
                        Vec::new()
                    } else {
                        playbook::of_acts(std::iter::once((*first, self.values().of_act(first, first.since()))))
                    },
                    commands: Vec::new(),
                    event: first.console_url(self.account),
                    more: None,
                    heading: words.headline,
                    alert,
                    what: Subject::Counted,
                    opened: Vec::new(),
                })
            })
            .collect()
    }

    /// One incident an identity, and how many changes there are by more of them.
    pub(super) fn tamperings(&self, folded: &mut Vec<&'a str>) -> (Vec<(usize, Incident<'a>)>, usize) {
        let mut by_identity: Vec<Vec<(&'a Alert, &'a Tampering)>> = Vec::new();
        let mut left_out = 0;
        for (alert, tampering) in self.sorted.tamperings() {
            let is_full = by_identity.len() >= MAX_INCIDENTS;
            let known =
                by_identity.iter_mut().find(|all| all.first().is_some_and(|(_, first)| first.by == tampering.by));
            match known {
                Some(all) => all.push((alert, tampering)),
                None if is_full => left_out += 1,
                None => by_identity.push(vec![(alert, tampering)]),
            }
        }
        let mut incidents = Vec::new();
        for of_identity in by_identity {
            let Some((&(alert, tampering), also)) = of_identity.split_first() else { continue };
            let since = of_identity.iter().filter_map(|(_, tampering)| tampering.time).min();
            let values = self.values().of_tampering(tampering, since);
            let from = tampering.source_address.as_deref().unwrap_or("address not recorded");
            let mut facts = vec![
                Fact::quoted("Who", &tampering.by),
                Fact::ours("When", stamp_of(tampering.time, self.at)),
                Fact::ours("From", format!("{from} (recorded in {})", tampering.region)),
            ];
            facts.extend(tampering.on.as_deref().map(|on| Fact::quoted("Resource", on)));
            facts.extend(tampering.error.as_deref().map(|error| Fact::quoted("Refused", error)));
            facts.push(Fact::ours("Call", format!("{} ({})", tampering.event_name, tampering.event_source)));
            facts.push(match tampering.user_agent.as_deref() {
                Some(agent) => Fact::quoted("User agent", agent),
                None => Fact::ours("User agent", "not recorded"),
            });
            facts.extend(tampering.invoked_by.as_deref().map(|by| Fact::quoted("Via", by)));
            let words = tampering.words();
            // Only what was done is undone.
            let done = also.iter().map(|(_, tampering)| *tampering).filter(|tampering| tampering.error.is_none());
            let others = done.map(|tampering| self.values().of_tampering(tampering, since));
            let is_done = of_identity.iter().any(|(_, tampering)| tampering.error.is_none());
            let consequences = if is_done { MONITORING } else { &[] };
            let opened = self.caused_by(tampering.severity, consequences.iter().copied(), folded);
            incidents.push((
                self.sorted.place(alert),
                Incident {
                    severity: worst(tampering.severity, &opened),
                    weight: tampering.severity.to_string(),
                    title: tampering.headline(),
                    facts,
                    why: Some(words.why),
                    steps: playbook::of_changes(words.playbook().iter(), &values, others),
                    commands: Vec::new(),
                    event: tampering.console_url(self.account),
                    more: None,
                    heading: words.headline,
                    alert,
                    what: Subject::Tampering(also.iter().map(|(_, tampering)| *tampering).collect()),
                    opened,
                },
            ));
        }
        (incidents, left_out)
    }
}

/// That of what happened, or of what it opened.
fn worst(severity: Severity, opened: &[(&Alert, &ConditionAlert)]) -> Severity {
    opened.iter().map(|(alert, _)| alert.severity).fold(severity, Severity::max)
}

/// Controls that fail when the monitoring is tampered with.
const MONITORING: &[&str] = &["alert-path", "cloudtrail-trail", "cloudtrail-bucket", "cloudtrail-validation"];

/// Controls that fail because of `act`.
fn consequences(act: &RootActivity) -> Vec<&'static str> {
    if act.error.is_some() || !act.is_root_use() {
        return Vec::new();
    }
    let of_kind: &[&str] = match act.kind {
        Kind::RootAccessKeyCreated | Kind::RootAccessKeyChanged => &["root-access-keys"],
        Kind::RootSigningCertificateCreated => &["root-signing-certificates"],
        Kind::MfaDeactivated => &["root-mfa", "root-hardware-mfa"],
        // The record itself says that there was none.
        Kind::SignInSucceeded | Kind::CliSignIn if act.mfa == Mfa::NotUsed => &["root-mfa", "root-hardware-mfa"],
        Kind::ContactChanged => &["security-contact", "contact-information"],
        Kind::WatchTampered => MONITORING,
        Kind::UserAccessKeyChanged => &["access-key-rotation"],
        Kind::WriteCall if act.effect.is_some() => {
            &["least-privilege", "role-trust", "groups-assign-permissions", "user-mfa", "administrator-access"]
        }
        _ => &[],
    };
    of_kind.iter().copied().chain(["root-unused"]).collect()
}
