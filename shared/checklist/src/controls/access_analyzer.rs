use facts::analyzers::RegionAnalyzers;
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::framework::Framework;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "access-analyzer",
    title: "Every Region has an analyzer for external access",
    violation: "a Region has no external access analyzer",
    step: None,
    severity: Severity::Medium,
    rationale: "An analyzer finds a bucket, key, role or queue that is open to another account within half an hour. \
                Without one it can stay open for years. An external access analyzer is free, and covers its own Region \
                only.",
    semantics: "Fails when a scanned Region has no active analyzer for external access and the account is not in an \
                organization. In an organization such a Region is unknown: the organization's analyzer is in the \
                management or the delegated administrator account, and member accounts cannot see it. Analyzers for \
                unused or internal access do not count. Unknown when a Region, or the list of Regions, could not be \
                read. The analyzers' findings are not evaluated.",
    remediation: Remediation {
        console: &[
            "IAM > Access analyzer > Analyzer settings > Create analyzer > External access analysis, in each Region \
             that is named.",
            "In an organization, create one in each Region with the organization as zone of trust, in the account \
             that AWS Organizations delegates Access Analyzer to. Then add an exception for this control that names \
             that account.",
        ],
        cli: &[
            "aws accessanalyzer create-analyzer --analyzer-name external-access --type ACCOUNT --region <Region>",
            "aws accessanalyzer create-analyzer --analyzer-name organization --type ORGANIZATION --region <Region>   # in the \
             delegated administrator's account",
        ],
    },
    sources: &[Source::Regions, Source::Organization, Source::Analyzers],
    user_of: no_user,
    mappings: &[
        (Framework::Cis3, "1.20"),
        (Framework::Cis5, "1.19"),
        (Framework::Cis6, "2.19"),
        (Framework::Cis7, "2.18"),
        (Framework::SecurityHub, "IAM.28"),
        (Framework::Config, "iam-external-access-analyzer-enabled"),
        (Framework::Prowler, "accessanalyzer_enabled"),
    ],
    references: &[
        Reference {
            name: "AWS: Using IAM Access Analyzer",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/what-is-access-analyzer.html",
        },
        Reference {
            name: "AWS: Create an external access analyzer",
            url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-create-external.html",
        },
    ],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, _: &Settings) -> Result<Verdict, Unavailable> {
    let analyzers = snapshot.analyzers.as_ref().map_err(Clone::clone)?;
    let mut regions: Vec<&RegionAnalyzers> = analyzers.iter().collect();
    regions.sort_by_key(|region| match &region.active {
        Ok(active) if active.is_empty() => 0,
        Err(_) => 1,
        Ok(_) => 2,
    });
    let shown = regions.iter().map(|region| {
        let value = match &region.active {
            Ok(active) if active.is_empty() => "NO active analyzer".into(),
            Ok(active) => active.join(", "),
            Err(_) => "unknown".into(),
        };
        snapshot.evidence(Source::Analyzers, &region.region, value)
    });
    let mut evidence = named(shown.collect(), "further Regions");
    let without: Vec<String> = regions
        .iter()
        .filter(|region| region.active.as_ref().is_ok_and(Vec::is_empty))
        .map(|region| region.region.clone())
        .collect();
    if !without.is_empty() {
        let missing = format!("No active analyzer for external access in {}", without.join(", "));
        let organization = match &snapshot.organization {
            Ok(organization) => organization,
            Err(unavailable) => return Ok(Verdict { evidence, ..unavailable.clone().into() }),
        };
        let id = organization.as_ref().map_or("none", |organization| organization.id.as_str());
        evidence.push(snapshot.evidence(Source::Organization, "organization", id));
        return Ok(if organization.is_some() {
            let reason = format!(
                "{missing}. An analyzer of the organization is not visible from this account: check the delegated administrator account of Access Analyzer, or create an analyzer in this account"
            );
            Verdict::new(Status::Unknown, reason, evidence)
        } else {
            Verdict::new(Status::Failed, missing, evidence).naming(without)
        });
    }
    // Without the list of Regions it is unknown which ones were not checked.
    let unread = regions.iter().find_map(|region| region.active.as_ref().err()).or(snapshot.regions.as_ref().err());
    Ok(match unread {
        Some(unavailable) => Verdict { evidence, ..unavailable.clone().into() },
        None if regions.is_empty() => Verdict::new(Status::Unknown, "No Region was checked", evidence),
        None => {
            Verdict::new(Status::Passed, "Every scanned Region has an active analyzer for external access", evidence)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::verdict_of;
    use facts::testing::unavailable;

    fn region(name: &str, active: &[&str]) -> RegionAnalyzers {
        RegionAnalyzers { region: name.into(), active: Ok(active.iter().map(|name| (*name).to_owned()).collect()) }
    }

    fn unread(name: &str) -> RegionAnalyzers {
        RegionAnalyzers { region: name.into(), active: Err(unavailable(Source::Analyzers)) }
    }

    fn standalone(regions: Vec<RegionAnalyzers>) -> Verdict {
        verdict_of(&CONTROL, |snapshot| (snapshot.organization, snapshot.analyzers) = (Ok(None), Ok(regions)))
    }

    fn facts(verdict: &Verdict) -> Vec<String> {
        verdict.evidence.iter().map(|evidence| format!("{} = {}", evidence.fact, evidence.value)).collect()
    }

    #[test]
    fn an_analyzer_in_every_region_passes_without_the_organization() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.organization = Err(unavailable(Source::Organization));
            snapshot.analyzers.as_mut().unwrap().push(region("eu-west-1", &["own", "organization"]));
        });
        assert_eq!(
            (verdict.status, verdict.reason.as_str()),
            (Status::Passed, "Every scanned Region has an active analyzer for external access")
        );
        assert_eq!(facts(&verdict), ["us-east-1 = external-access", "eu-west-1 = own, organization"]);
    }

    #[test]
    fn a_region_without_one_fails_by_name_in_a_standalone_account() {
        let verdict =
            standalone(vec![region("us-east-1", &["own"]), region("eu-west-1", &[]), region("sa-east-1", &[])]);
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(verdict.reason, "No active analyzer for external access in eu-west-1, sa-east-1");
        assert_eq!(verdict.resources, ["eu-west-1", "sa-east-1"]);
        assert_eq!(
            facts(&verdict),
            [
                "eu-west-1 = NO active analyzer",
                "sa-east-1 = NO active analyzer",
                "us-east-1 = own",
                "organization = none"
            ]
        );
    }

    #[test]
    fn in_an_organization_it_is_unknown_because_the_organizations_analyzer_is_not_seen() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.analyzers = Ok(vec![region("eu-west-1", &[])]));
        assert_eq!(verdict.status, Status::Unknown);
        assert!(
            verdict.reason.contains("eu-west-1. An analyzer of the organization is not visible"),
            "{}",
            verdict.reason
        );
        assert_eq!(facts(&verdict), ["eu-west-1 = NO active analyzer", "organization = o-exampleorgid"]);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.analyzers = Ok(vec![region("eu-west-1", &[])]);
            snapshot.organization = Err(unavailable(Source::Organization));
        });
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.starts_with("organization: "), "{}", verdict.reason);
    }

    #[test]
    fn a_region_that_was_not_read_is_unknown_unless_another_one_fails() {
        let verdict = standalone(vec![region("us-east-1", &["own"]), unread("eu-west-1")]);
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.contains("was denied"), "{}", verdict.reason);
        assert_eq!(facts(&verdict)[0], "eu-west-1 = unknown");
        let verdict = standalone(vec![unread("eu-west-1"), region("us-east-1", &[])]);
        assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec!["us-east-1".to_owned()]));
    }

    #[test]
    fn nothing_that_was_looked_at_is_unknown() {
        let verdict = standalone(Vec::new());
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Unknown, "No Region was checked"));
        let blind = verdict_of(&CONTROL, |snapshot| snapshot.analyzers = Err(unavailable(Source::Analyzers)));
        assert_eq!(blind.status, Status::Unknown);
    }

    #[test]
    fn without_the_list_of_regions_nothing_passes_and_what_is_seen_to_be_wrong_still_fails() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.regions = Err(unavailable(Source::Regions)));
        assert_eq!(verdict.status, Status::Unknown);
        assert!(verdict.reason.starts_with("list of Regions"), "{}", verdict.reason);
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.regions = Err(unavailable(Source::Regions));
            snapshot.organization = Ok(None);
            snapshot.analyzers = Ok(vec![region("us-east-1", &[])]);
        });
        assert_eq!(verdict.status, Status::Failed);
    }
}
