//! What the controls of root's access keys and of its signing certificates share: a slot in the report, a list in the audit of a member
//! account, a counter in the summary.

use facts::account::Partition;
use facts::account_summary::{AccountSummary, Counter};
use facts::credential_report::{KeySlot, RootRow, SlotState};
use facts::root_audit::RootAudit;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::text::bounded;
use facts::verdict::{Evidence, Status, Verdict};

use super::root_credentials;

/// A kind of root credential that should not exist.
pub(super) struct Slots {
    /// `access key`.
    pub(super) noun: &'static str,
    /// Its two slots in the credential report.
    pub(super) of_report: fn(&RootRow) -> &[KeySlot; 2],
    /// All of them in the audit of a member account.
    pub(super) of_audit: fn(&RootAudit) -> Result<Vec<Listed>, Unavailable>,
    /// Its counter in the account summary, with the counter's name.
    pub(super) of_summary: (&'static str, fn(&AccountSummary) -> &Counter),
}

/// One credential of the audit.
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) active: bool,
    /// `last used …` or `never used`; `None`: unknown.
    pub(super) used: Option<String>,
}

impl Slots {
    /// Passes when the sources show none, active or not.
    pub(super) fn are_empty(&self, snapshot: &Snapshot) -> Verdict {
        let mut verdict =
            root_credentials::worst_of(self.by_report(snapshot), self.by_audit(snapshot), self.by_summary(snapshot));
        // The steps in the console that the control names are none there
        // (<https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-account-root-user.html>).
        if verdict.status == Status::Failed && snapshot.account.partition == Partition::GovCloud {
            verdict.reason.push_str(
                ". Root does not sign in to the AWS GovCloud (US) console: delete it with the AWS CLI, signed with root's own key",
            );
        }
        verdict
    }

    fn by_report(&self, snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
        let mut found = Vec::new();
        let mut resources = Vec::new();
        let mut unreadable = None;
        let mut evidence = Vec::new();
        for (number, slot) in (1..).zip((self.of_report)(snapshot.root_row()?)) {
            let fact = format!("{} {number}", self.noun);
            let state = match slot.state() {
                Ok(SlotState::Empty) => {
                    evidence.push(snapshot.report_evidence(fact, "none"));
                    continue;
                }
                Ok(SlotState::Active) => "active",
                Ok(SlotState::Inactive) => "inactive",
                Err(cell) => {
                    unreadable = Some(cell);
                    continue;
                }
            };
            resources.extend(named(&fact, state));
            found.push(state);
            let shown = match &slot.last_used {
                Ok(Some(at)) => format!("{state}, last used {at}"),
                Ok(None) => format!("{state}, never used"),
                Err(_) => state.to_owned(),
            };
            evidence.push(snapshot.report_evidence(fact, shown));
        }
        match (found.as_slice(), unreadable) {
            ([], Some(cell)) => Err(cell.into()),
            (found, _) => Ok(self.verdict(found, evidence, resources)),
        }
    }

    /// By their ids: the list has no slots.
    fn by_audit(&self, snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
        let mut found = Vec::new();
        let mut resources = Vec::new();
        let mut evidence = Vec::new();
        for listed in (self.of_audit)(snapshot.audit()?)? {
            let fact = format!("{} {}", self.noun, bounded(&listed.id));
            let state = if listed.active { "active" } else { "inactive" };
            resources.extend(named(&fact, state));
            found.push(state);
            let shown = listed.used.map_or_else(|| state.to_owned(), |used| format!("{state}, {used}"));
            evidence.push(snapshot.evidence(Source::RootAudit, fact, shown));
        }
        if found.is_empty() {
            evidence.push(snapshot.evidence(Source::RootAudit, format!("{}s", self.noun), "none"));
        }
        Ok(self.verdict(&found, evidence, resources))
    }

    fn verdict(&self, found: &[&str], evidence: Vec<Evidence>, resources: Vec<String>) -> Verdict {
        if found.is_empty() {
            return Verdict::new(Status::Passed, format!("Root has no {}s", self.noun), evidence);
        }
        let plural = if found.len() == 1 { "" } else { "s" };
        let reason = format!("Root has {} {}{plural} ({})", found.len(), self.noun, found.join(", "));
        Verdict::new(Status::Failed, reason, evidence).naming(resources)
    }

    fn by_summary(&self, snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
        let (fact, counter) = self.of_summary;
        let count = counter(snapshot.summary()?).clone()?;
        let evidence = vec![snapshot.evidence(Source::AccountSummary, fact, count)];
        Ok(if count > 0 {
            Verdict::new(Status::Failed, format!("Root has at least one {}", self.noun), evidence)
        } else {
            Verdict::new(Status::Passed, format!("Root has no {}s", self.noun), evidence)
        })
    }
}

/// Switched off is no more than there; switched on again is.
fn named(fact: &str, state: &str) -> Vec<String> {
    let active = (state == "active").then(|| format!("active {fact}"));
    [fact.to_owned()].into_iter().chain(active).collect()
}
