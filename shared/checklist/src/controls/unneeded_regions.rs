use facts::severity::Severity;
use facts::snapshot::{EnabledRegion, Snapshot};
use facts::source::{Source, Unavailable};
use facts::text::counted;
use facts::verdict::{Status, Verdict};

use super::named::named;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "unneeded-regions",
    title: "Only allowed opt-in Regions are enabled",
    violation: "an opt-in Region is enabled but not allowed",
    step: None,
    severity: Severity::Low,
    rationale: "Attackers work in Regions that you do not watch, and enable one if needed. Nothing can be created in \
                a disabled Region.",
    semantics: "Fails when an opt-in Region is enabled that is not in the parameter AllowedRegions, which is empty by \
                default. Other Regions, which every account has, cannot be disabled and are not evaluated; an SCP can \
                deny them. A Region that is being enabled or disabled is evaluated when that is done.",
    remediation: Remediation {
        console: &[
            "If you did not enable it, look for EnableRegion in CloudTrail > Event history, and for what was created \
             in the Region.",
            "A Region that you need: add it to the parameter AllowedRegions of the stack.",
            "A Region that you do not need: first delete what costs money there, because it keeps incurring charges \
             after the Region is disabled. Then Account > AWS Regions > [Region] > Disable.",
        ],
        cli: &[
            "aws account list-regions --region-opt-status-contains ENABLED",
            "aws account disable-region --region-name <Region>",
        ],
    },
    sources: &[Source::Regions],
    user_of: no_user,
    mappings: &[],
    references: &[Reference {
        name: "AWS: Enable or disable AWS Regions in your account",
        url: "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html",
    }],
    evaluate,
};

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    let regions = snapshot.regions.as_ref().map_err(Clone::clone)?;
    let opted_in = regions.iter().filter(|region| region.is_opt_in);
    let (allowed, unneeded): (Vec<&EnabledRegion>, Vec<&EnabledRegion>) =
        opted_in.partition(|region| settings.allowed_regions.contains(&region.name));
    let unneeded: Vec<String> = unneeded.into_iter().map(|region| region.name.clone()).collect();
    if allowed.is_empty() && unneeded.is_empty() {
        let evidence = vec![snapshot.evidence(Source::Regions, "enabled opt-in Regions", "none")];
        return Ok(Verdict::new(Status::Passed, "No opt-in Region is enabled", evidence));
    }
    let shown = unneeded.iter().map(|name| snapshot.evidence(Source::Regions, name, "enabled, NOT allowed"));
    let allowed = allowed.iter().map(|region| snapshot.evidence(Source::Regions, &region.name, "enabled, allowed"));
    let evidence = named(shown.chain(allowed).collect(), "further Regions");
    if unneeded.is_empty() {
        return Ok(Verdict::new(Status::Passed, "Every enabled opt-in Region is allowed", evidence));
    }
    let enabled = counted(unneeded.len(), "opt-in Region is enabled", "opt-in Regions are enabled");
    let reason = format!("{enabled} and not allowed: {}", unneeded.join(", "));
    Ok(Verdict::new(Status::Failed, reason, evidence).naming(unneeded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use facts::testing::unavailable;

    fn enabled(allowed: &[&str], opt_in: &[&str]) -> Verdict {
        let allowed_regions = allowed.iter().map(|name| (*name).to_owned()).collect();
        verdict_with(&CONTROL, &Settings { allowed_regions, ..Settings::default() }, |snapshot| {
            let regions = opt_in.iter().map(|name| EnabledRegion { name: (*name).into(), is_opt_in: true });
            snapshot.regions.as_mut().unwrap().extend(regions);
        })
    }

    #[test]
    fn regions_that_every_account_has_pass_although_no_region_is_allowed() {
        let verdict = enabled(&[], &[]);
        assert_eq!((verdict.status, verdict.reason.as_str()), (Status::Passed, "No opt-in Region is enabled"));
        assert_eq!(verdict.evidence[0].value, "none");
    }

    #[test]
    fn an_opt_in_region_fails_by_name_unless_it_is_allowed() {
        let verdict = enabled(&["ap-east-1"], &["ap-east-1", "me-south-1", "af-south-1"]);
        assert_eq!(verdict.status, Status::Failed);
        assert_eq!(verdict.reason, "2 opt-in Regions are enabled and not allowed: me-south-1, af-south-1");
        assert_eq!(verdict.resources, ["me-south-1", "af-south-1"]);
        let shown: Vec<(&str, &str)> =
            verdict.evidence.iter().map(|evidence| (evidence.fact.as_str(), evidence.value.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("me-south-1", "enabled, NOT allowed"),
                ("af-south-1", "enabled, NOT allowed"),
                ("ap-east-1", "enabled, allowed")
            ]
        );
        let verdict = enabled(&["ap-east-1", "eu-south-1"], &["ap-east-1"]);
        assert_eq!((verdict.status, verdict.resources.len()), (Status::Passed, 0));
        assert_eq!(verdict.reason, "Every enabled opt-in Region is allowed");
    }

    #[test]
    fn regions_that_were_not_read_are_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.regions = Err(unavailable(Source::Regions)));
        assert_eq!(verdict.status, Status::Unknown);
    }
}
