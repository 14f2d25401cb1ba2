use facts::account::Partition;
use facts::snapshot::Snapshot;
use facts::verdict::{Status, Verdict};

/// Why billing cannot be evaluated in this partition; `None`: it can.
pub(super) fn elsewhere(snapshot: &Snapshot) -> Option<Verdict> {
    match snapshot.account.partition {
        Partition::Aws => None,
        Partition::GovCloud => Some(Verdict::new(
            Status::NotApplicable,
            "AWS GovCloud (US) is billed through its commercial account; run rootwatch there",
            Vec::new(),
        )),
        Partition::China => Some(Verdict::new(Status::Unknown, "Billing in China is not read", Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use crate::controls::{billing_alerts, billing_reports};
    use facts::source::{Source, Unavailable};

    #[test]
    fn govcloud_is_not_applicable_and_china_unknown_whatever_was_read() {
        for control in [&billing_reports::CONTROL, &billing_alerts::CONTROL] {
            for (partition, status, why) in [
                (Partition::GovCloud, Status::NotApplicable, "commercial account"),
                (Partition::China, Status::Unknown, "China"),
            ] {
                let verdict = verdict_of(control, |snapshot| snapshot.account.partition = partition);
                assert_eq!(verdict.status, status, "{} {partition:?}", control.id);
                assert!(verdict.reason.contains(why), "{}", verdict.reason);
                let verdict = verdict_of(control, |snapshot| {
                    snapshot.account.partition = partition;
                    snapshot.cost_reports = Err(Unavailable::not_asked(Source::CostReports));
                    snapshot.data_exports = Err(Unavailable::not_asked(Source::DataExports));
                    snapshot.budgets = Err(Unavailable::not_asked(Source::Budgets));
                    snapshot.billing_alarms = Err(Unavailable::not_asked(Source::BillingAlarms));
                });
                assert_eq!(verdict.status, status, "{} {partition:?}", control.id);
            }
        }
    }
}
