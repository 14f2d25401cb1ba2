use facts::source::Unavailable;
use facts::text::counted;
use facts::verdict::{Evidence, Status, Verdict};

use super::named::named;

/// What a look at many things, one by one, has found. A thing's name is the fact of its evidence.
#[derive(Default)]
pub(super) struct Survey {
    /// Not as they should be.
    pub(super) wrong: Vec<Evidence>,
    /// What is known of them is not enough.
    pub(super) unclear: Vec<Evidence>,
    /// Why some were not looked at.
    pub(super) unread: Option<Unavailable>,
}

impl Survey {
    /// `fine`, unless something is wrong, or unknown; only what is wrong outweighs the unknown. `wrong` and `unclear` say what
    /// is so of one thing, and of many.
    pub(super) fn verdict(self, fine: Verdict, wrong: [&str; 2], unclear: [&str; 2]) -> Verdict {
        if self.wrong.is_empty() && self.unclear.is_empty() && self.unread.is_none() {
            return fine;
        }
        let say = |count: usize, [one, many]: [&str; 2]| counted(count, one, many);
        let mut verdict = if !self.wrong.is_empty() {
            let reason = say(self.wrong.len(), wrong);
            let names = self.wrong.iter().map(|evidence| evidence.fact.clone()).collect();
            Verdict::new(Status::Failed, reason, named(self.wrong, "further ones")).naming(names)
        } else if let Some(unavailable) = self.unread {
            unavailable.into()
        } else {
            Verdict::new(Status::Unknown, say(self.unclear.len(), unclear), Vec::new())
        };
        // A failure rests on what found it alone.
        verdict.evidence.splice(0..0, fine.evidence);
        verdict.evidence.extend(named(self.unclear, "further ones that cannot be evaluated"));
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facts::snapshot::Snapshot;
    use facts::source::Source;
    use facts::testing::unavailable;

    fn evidence(source: Source, name: &str) -> Vec<Evidence> {
        vec![Snapshot::compliant().evidence(source, name, "so")]
    }

    fn verdict(survey: Survey) -> Verdict {
        let fine = Verdict::new(Status::Passed, "fine", evidence(Source::Identities, "all"));
        survey.verdict(fine, ["is wrong", "are wrong"], ["is unclear", "are unclear"])
    }

    #[test]
    fn what_is_wrong_outweighs_what_is_unread_and_that_what_is_unclear() {
        let wrong = || evidence(Source::RolesAndPolicies, "wrong");
        let unclear = || evidence(Source::Identities, "unclear");
        let unread = || Some(unavailable(Source::Identities));
        let said = |wrong, unclear, unread| {
            let verdict = verdict(Survey { wrong, unclear, unread });
            (verdict.status, verdict.reason, verdict.evidence.len())
        };
        let all_unread = unavailable(Source::Identities).to_string();
        assert_eq!(said(vec![], vec![], None), (Status::Passed, "fine".into(), 1));
        assert_eq!(said(wrong(), unclear(), unread()), (Status::Failed, "1 is wrong".into(), 3));
        assert_eq!(said(vec![], unclear(), unread()), (Status::Unknown, all_unread, 2));
        assert_eq!(said(vec![], unclear(), None), (Status::Unknown, "1 is unclear".into(), 2));
    }

    #[test]
    fn a_failure_rests_on_what_found_it_and_names_every_thing() {
        let many = (0..25).flat_map(|n| evidence(Source::RolesAndPolicies, &n.to_string())).collect();
        let failed = verdict(Survey { wrong: many, ..Survey::default() });
        assert_eq!((failed.reason.as_str(), failed.resources.len()), ("25 are wrong", 25));
        assert_eq!(failed.judged_by.keys().copied().collect::<Vec<_>>(), [Source::RolesAndPolicies]);
        let facts: Vec<&str> = failed.evidence.iter().map(|evidence| evidence.fact.as_str()).collect();
        assert_eq!((facts.len(), facts[0], facts[21]), (22, "all", "further ones"));
    }
}
