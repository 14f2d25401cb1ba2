use facts::billing::{CostReport, Delivery};
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Evidence, Status, Verdict};

use super::billing_partition::elsewhere;
use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "billing-reports",
    title: "A cost and usage report or a data export is delivered",
    violation: "no billing report is delivered",
    step: None,
    severity: Severity::Low,
    rationale: "An unexpectedly high bill is often the first sign of a stolen key. The report shows which resource in \
                which Region costs how much, hour by hour. It cannot be created for the time before it was set up.",
    semantics: "Passes when a cost and usage report or a data export is delivered, according to AWS. Fails when there \
                are some and none is delivered, and when a standalone or a management account has none. A report \
                without a known delivery does not count: a new one takes up to a day. Any export counts, because the \
                list does not show which table it contains. Not applicable in a member account without any, because \
                its payer account has them, and in AWS GovCloud (US), which is billed through a commercial account. In \
                China, billing is not read.",
    remediation: Remediation {
        console: &[
            "In the payer account: Billing and Cost Management > Data Exports > Create > Standard data export > CUR \
             2.0.",
            "Choose a bucket of the account and let the console write the bucket policy.",
            "A report that is not delivered: fix what its status names, usually the bucket or its policy.",
        ],
        cli: &[
            "aws bcm-data-exports create-export --region us-east-1 --export file://export.json",
            "aws bcm-data-exports list-exports --region us-east-1",
            "aws cur describe-report-definitions --region us-east-1",
        ],
    },
    sources: &[Source::CostReports, Source::DataExports, Source::Organization],
    user_of: no_user,
    mappings: &[],
    references: &[
        Reference {
            name: "AWS: What is AWS Data Exports?",
            url: "https://docs.aws.amazon.com/cur/latest/userguide/what-is-data-exports.html",
        },
        Reference {
            name: "AWS GovCloud (US): Billing and payment",
            url: "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/usage-and-payment.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    if let Some(verdict) = elsewhere(snapshot) {
        return Ok(verdict);
    }
    let kinds = [
        (Source::CostReports, "cost and usage report", &snapshot.cost_reports),
        (Source::DataExports, "data export", &snapshot.data_exports),
    ];
    let (mut works, mut fails, mut none) = (Vec::new(), Vec::new(), Vec::new());
    for (source, kind, reports) in kinds {
        for report in reports.iter().flatten() {
            let evidence = snapshot.evidence(source, format!("{kind} {}", report.name), words(report));
            if report.delivery == Delivery::Works { &mut works } else { &mut fails }.push(evidence);
        }
        if reports.as_ref().is_ok_and(Vec::is_empty) {
            none.push(snapshot.evidence(source, format!("{kind}s"), "none"));
        }
    }
    let broken: Vec<String> = fails.iter().map(|evidence| evidence.fact.clone()).collect();
    if let Some(works_one) = works.first() {
        let reason = format!("{} is delivered", capitalized(&works_one.fact));
        return Ok(Verdict::new(Status::Passed, reason, shown([works, fails, none])));
    }
    // One that fails is no failure as long as another one may be delivered in a source that could not be read.
    if let Some(unavailable) = snapshot.cost_reports.as_ref().err().or(snapshot.data_exports.as_ref().err()) {
        return Ok(Verdict { evidence: shown([fails, works, none]), ..unavailable.clone().into() });
    }
    if !broken.is_empty() {
        let reason = format!("Not delivered: {}", broken.join(", "));
        return Ok(Verdict::new(Status::Failed, reason, shown([fails, works, none])).naming(broken));
    }
    match snapshot.organization.as_ref().map_err(Clone::clone)? {
        Some(organization) if !organization.is_managed_by(&snapshot.account) => {
            none.push(snapshot.evidence(Source::Organization, "organization", &organization.id));
            Ok(Verdict::new(Status::NotApplicable, "The organization's payer account has the billing reports", none))
        }
        organization => {
            let id = organization.as_ref().map_or("none", |organization| organization.id.as_str());
            none.push(snapshot.evidence(Source::Organization, "organization", id));
            Ok(Verdict::new(Status::Failed, "There is no cost and usage report and no data export", none))
        }
    }
}

fn words(report: &CostReport) -> String {
    match &report.delivery {
        Delivery::Works => "delivered".into(),
        Delivery::Fails(code) => format!("NOT delivered ({code})"),
        Delivery::Untold => "no delivery reported yet".into(),
    }
}

fn shown(evidence: [Vec<Evidence>; 3]) -> Vec<Evidence> {
    named(evidence.concat(), "further reports")
}

fn capitalized(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::account::AccountId;
    use facts::testing::unavailable;

    fn report(name: &str, delivery: Delivery) -> CostReport {
        CostReport { name: name.into(), delivery }
    }

    fn broken(name: &str) -> CostReport {
        report(name, Delivery::Fails("ERROR_PERMISSIONS".into()))
    }

    fn without_reports(snapshot: &mut Snapshot) {
        (snapshot.cost_reports, snapshot.data_exports) = (Ok(Vec::new()), Ok(Vec::new()));
    }

    fn member(snapshot: &mut Snapshot) {
        let organization = snapshot.organization.as_mut().unwrap().as_mut().unwrap();
        organization.management_account = AccountId::parse("999988887777").unwrap();
    }

    fn facts(verdict: &Verdict) -> Vec<String> {
        verdict.evidence.iter().map(|evidence| format!("{} = {}", evidence.fact, evidence.value)).collect()
    }

    #[test]
    fn a_report_or_an_export_that_is_delivered_passes() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::Passed, "Cost and usage report monthly is delivered")
        );
        assert_eq!(facts(&verdict), ["cost and usage report monthly = delivered", "data exports = none"]);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_reports(snapshot);
            snapshot.data_exports = Ok(vec![report("cur2", Delivery::Works)]);
        });
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, "Data export cur2 is delivered"));
    }

    #[test]
    fn a_pass_needs_neither_the_other_source_nor_the_organization() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.data_exports = Err(unavailable(Source::DataExports));
            snapshot.organization = Err(unavailable(Source::Organization));
        });
        assert_eq!(verdict.status, Status::Passed);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.cost_reports = Err(unavailable(Source::CostReports));
            snapshot.data_exports = Ok(vec![report("cur2", Delivery::Works)]);
        });
        assert_eq!(verdict.status, Status::Passed);
    }

    #[test]
    fn what_is_not_delivered_fails_by_name_in_a_member_account_too_unless_another_one_is_delivered() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            member(snapshot);
            snapshot.cost_reports = Ok(vec![broken("old")]);
            snapshot.data_exports = Ok(vec![broken("cur2")]);
        });
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(verdict.reason, "Not delivered: cost and usage report old, data export cur2");
        assert_eq!(verdict.resources, ["cost and usage report old", "data export cur2"]);
        assert_eq!(facts(&verdict)[0], "cost and usage report old = NOT delivered (ERROR_PERMISSIONS)");
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.data_exports = Ok(vec![broken("cur2")]));
        assert_eq!(verdict.status, Status::Passed);
        assert!(facts(&verdict).contains(&"data export cur2 = NOT delivered (ERROR_PERMISSIONS)".to_owned()));
    }

    #[test]
    fn a_report_without_a_known_delivery_is_not_delivered_and_shown_so() {
        let new = || Ok(vec![report("new", Delivery::Untold)]);
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.cost_reports = new());
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(verdict.reason, "Not delivered: cost and usage report new");
        assert_eq!(facts(&verdict)[0], "cost and usage report new = no delivery reported yet");
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.data_exports = new());
        assert_eq!(verdict.status, Status::Passed);
        assert!(facts(&verdict).contains(&"data export new = no delivery reported yet".to_owned()));
    }

    #[test]
    fn none_at_all_fails_where_the_account_pays_and_does_not_apply_where_another_one_does() {
        let verdict = verdict_of(&CONTROL, without_reports);
        assert_eq!(verdict.status, Status::Failed, "a management account");
        assert_eq!(
            facts(&verdict),
            ["cost and usage reports = none", "data exports = none", "organization = o-exampleorgid"]
        );
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_reports(snapshot);
            snapshot.organization = Ok(None);
        });
        assert_eq!(verdict.status, Status::Failed, "a standalone account");
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_reports(snapshot);
            member(snapshot);
        });
        assert_eq!(verdict.status, Status::NotApplicable);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            without_reports(snapshot);
            snapshot.organization = Err(unavailable(Source::Organization));
        });
        assert_eq!(verdict.status, Status::Unknown, "the payer is unknown");
    }

    #[test]
    fn a_source_that_was_not_read_is_unknown_beside_none_and_beside_one_that_is_not_delivered() {
        for reports in [Vec::new(), vec![broken("old")]] {
            let verdict = verdict_of(&CONTROL, |snapshot| {
                snapshot.cost_reports = Ok(reports.clone());
                snapshot.data_exports = Err(unavailable(Source::DataExports));
            });
            assert_eq!(verdict.status, Status::Unknown);
            assert!(verdict.reason.contains("data exports"), "{}", verdict.reason);
            let verdict = verdict_of(&CONTROL, |snapshot| {
                member(snapshot);
                snapshot.cost_reports = Err(unavailable(Source::CostReports));
                snapshot.data_exports = Ok(reports.clone());
            });
            assert_eq!(verdict.status, Status::Unknown);
            assert!(verdict.reason.contains("cost and usage reports"), "{}", verdict.reason);
        }
    }
}
