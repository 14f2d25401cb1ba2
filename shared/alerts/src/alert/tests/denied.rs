//! What is denied for a day.

use super::*;

#[test]
fn a_report_is_whole_without_a_sign_in_region_that_is_denied_for_a_day_while_another_one_is_read() {
    let denied = |regions: &[&str]| {
        let mut snapshot = Snapshot::compliant();
        let sweep = |region: &&str| RegionSweep {
            region: (*region).into(),
            incomplete: regions.contains(region).then(|| Unavailable {
                source: Source::RootEvents,
                operation: format!("cloudtrail:LookupEvents in {region}"),
                cause: Cause::Denied { code: "AccessDeniedException".into() },
            }),
            covered: Vec::new(),
            covered_sign_ins: Vec::new(),
        };
        snapshot.root_events.regions = snapshot.account.partition.sign_in_regions().iter().map(sweep).collect();
        Report::generate(&snapshot, &Settings::compliant())
    };
    let mut memory = Memory::default();
    let mut first = denied(&["us-east-2", "us-east-1"]);
    let decision = decide(&memory, &first, &Policy::default());
    memory.conditions = decision.conditions;
    for (hours, is_whole) in [(0, false), (23, false), (24, true)] {
        first.taken_at += SignedDuration::from_hours(if hours == 24 { 1 } else { hours });
        note_denials(&memory, &mut first);
        assert_eq!(first.is_whole(), is_whole, "after {hours} hours");
    }
    let headline = first.summary().headline();
    assert!(headline.starts_with("INCOMPLETE: ") && headline.contains("us-east-1 and us-east-2"), "{headline}");
    let mut all = denied(&["us-east-1", "us-east-2", "us-west-2"]);
    let decision = decide(&memory, &all, &Policy::default());
    memory.conditions.extend(decision.conditions);
    all.taken_at += SignedDuration::from_hours(100);
    note_denials(&memory, &mut all);
    assert!(!all.is_whole(), "nobody sees a sign-in");
    for state in &mut first.sources {
        if let Some(error) = state.error.as_mut() {
            error.cause = Cause::TimedOut;
        }
    }
    first.sources.iter_mut().for_each(|state| state.denied_since = None);
    note_denials(&memory, &mut first);
    assert!(!first.is_whole(), "only a denial is for good");
}
