use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};

use super::root_credentials;
use crate::control::{Control, Reference, Remediation, no_user};
use crate::declarations::Statement;
use crate::settings::Settings;

pub(super) const CONTROL: Control = Control {
    id: "root-credentials-attested",
    title: "Root credential attestations are current",
    violation: "root attestations are missing or expired",
    step: None,
    severity: Severity::Low,
    rationale: "No API shows how strong root's password is, where it is stored, or whether a second person can reach \
                the MFA device. People have to check this, and attest to it regularly.",
    semantics: "Fails when one of the attestations `root-password-strong`, `root-credentials-stored-safely` and \
                `root-mfa-reachable-by-two` is missing from the parameter `Attestations`, or is 90 days old. rootwatch \
                cannot verify that they are true. Not applicable when root has no credentials, or does not sign in: in \
                AWS GovCloud (US) and in China.",
    remediation: Remediation {
        console: &[
            "Check that root's password is long, unique and random, and that only authorized people can reach it and \
             the MFA devices.",
            "Check that two people can reach an MFA device of root, so that the loss of one does not lock you out.",
            "Attest to it with your name and the date: CloudFormation > Stacks > rootwatch > Update stack, parameter \
             Attestations.",
        ],
        cli: &[
            "echo '[{\"statement\":\"root-password-strong\",\"by\":\"<name>\",\"on\":\"<yyyy-mm-dd>\"},\
             {\"statement\":\"root-credentials-stored-safely\",\"by\":\"<name>\",\"on\":\"<yyyy-mm-dd>\"},\
             {\"statement\":\"root-mfa-reachable-by-two\",\"by\":\"<name>\",\"on\":\"<yyyy-mm-dd>\"}]' \
             > attestations.json   # and your other attestations",
            "sam deploy --parameter-overrides \"Attestations='$(cat attestations.json)'\"",
        ],
    },
    sources: &[Source::Attestations, Source::CredentialReport, Source::AccountSummary, Source::RootAudit],
    user_of: no_user,
    mappings: &[],
    references: &[Reference {
        name: "AWS: Security best practices for the root user",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/root-user-best-practices.html",
    }],
    evaluate,
};

const ASKED: [Statement; 3] =
    [Statement::RootPasswordStrong, Statement::RootCredentialsStoredSafely, Statement::RootMfaReachableByTwo];

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    if let Some(verdict) = root_credentials::does_not_sign_in(snapshot) {
        return Ok(verdict);
    }
    let credentials = root_credentials::exist(snapshot);
    if credentials == Ok(false) {
        return Ok(root_credentials::none(snapshot));
    }
    let mut evidence = Vec::new();
    let mut missing = Vec::new();
    for statement in ASKED {
        let stated = settings.declarations.attestation(statement);
        let value = match stated {
            Some(stated) if stated.is_lapsed(snapshot.taken_at) => {
                format!("expired at {}: attested by {} on {}", stated.lapses_at(), stated.by, stated.on)
            }
            Some(stated) => format!("attested by {} on {}", stated.by, stated.on),
            None => format!("not attested: {}", statement.words()),
        };
        if stated.is_none_or(|stated| stated.is_lapsed(snapshot.taken_at)) {
            missing.push(statement.id().to_owned());
        }
        evidence.push(snapshot.evidence(Source::Attestations, statement.id(), value));
    }
    if missing.is_empty() {
        return Ok(Verdict::new(Status::Passed, "All three root credential attestations are current", evidence));
    }
    // Nobody needs to state anything of credentials that may not be there.
    if let Err(unavailable) = credentials {
        return Ok(Verdict { evidence, ..unavailable.into() });
    }
    let reason = format!("Missing or expired in the parameter Attestations: {}", missing.join(", "));
    Ok(Verdict::new(Status::Failed, reason, evidence).naming(missing))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use crate::declarations::{ATTESTATION_HOLDS, parse_attestations};
    use facts::testing::unavailable;

    /// All that is asked was stated so long ago.
    fn stated(ago: SignedDuration) -> Settings {
        Settings::stating(&ASKED, Snapshot::compliant().taken_at - ago)
    }

    fn unread(snapshot: &mut Snapshot) {
        snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        snapshot.account_summary = Err(unavailable(Source::AccountSummary));
    }

    #[test]
    fn three_statements_in_force_pass_whatever_is_unread() {
        for change in [|_: &mut Snapshot| {}, unread] {
            let verdict = verdict_with(&CONTROL, &stated(SignedDuration::ZERO), change);
            assert_eq!((verdict.status, verdict.evidence.len()), (Status::Passed, 3));
        }
    }

    #[test]
    fn attestations_hold_for_90_days_to_the_second() {
        let second = SignedDuration::from_secs(1);
        let young = verdict_with(&CONTROL, &stated(ATTESTATION_HOLDS - second), |_| {});
        assert_eq!(young.status, Status::Passed);
        let lapsed = verdict_with(&CONTROL, &stated(ATTESTATION_HOLDS), |_| {});
        assert_eq!((lapsed.status, lapsed.resources.len()), (Status::Failed, 3));
        assert!(
            lapsed.evidence[0].value.starts_with("expired at 2026-11-20T10:00:00Z"),
            "{}",
            lapsed.evidence[0].value
        );
    }

    #[test]
    fn each_missing_statement_fails_by_its_id() {
        for (number, missing) in ASKED.into_iter().enumerate() {
            let mut settings = stated(SignedDuration::ZERO);
            settings.declarations.attestations.remove(number);
            let verdict = verdict_with(&CONTROL, &settings, |_| {});
            assert_eq!((verdict.status, verdict.resources), (Status::Failed, vec![missing.id().to_owned()]));
            assert!(verdict.reason.ends_with(&format!(": {}", missing.id())), "{}", verdict.reason);
        }
        let verdict = verdict_with(
            &CONTROL,
            &Settings::stating(&[Statement::ContactsReviewed], Snapshot::compliant().taken_at),
            |_| {},
        );
        assert_eq!((verdict.status, verdict.resources.len()), (Status::Failed, 3));
    }

    /// What the SAM CLI makes of `Attestations=` in an argument: it takes what is in single quotes whole, and other text as far as the
    /// first space or double quote
    /// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html>).
    fn as_sam_takes_it(argument: &str) -> &str {
        let value = argument.strip_prefix("Attestations=").unwrap();
        match value.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next().unwrap(),
            None => value.split([' ', '"']).next().unwrap(),
        }
    }

    #[test]
    fn the_commands_state_all_that_is_asked_as_sam_and_the_parser_take_it() {
        let [echo, deploy] = CONTROL.remediation.cli else { panic!("two commands") };
        let file = echo.strip_prefix("echo '").and_then(|rest| rest.split_once("' > attestations.json")).unwrap().0;
        let argument = deploy.strip_prefix("sam deploy --parameter-overrides \"").unwrap().strip_suffix('"').unwrap();
        let argument = argument.replace("$(cat attestations.json)", file).replace("<yyyy-mm-dd>", "2026-11-20");
        let stated = parse_attestations(as_sam_takes_it(&argument), Snapshot::compliant().taken_at).taken;
        assert_eq!(stated.iter().map(|stated| stated.statement).collect::<Vec<_>>(), ASKED);
        let unquoted = parse_attestations(as_sam_takes_it(&argument.replace('\'', "")), Snapshot::compliant().taken_at);
        assert_eq!((unquoted.taken.len(), unquoted.refused.len()), (0, 1));
    }

    #[test]
    fn nothing_is_asked_of_root_of_govcloud() {
        let verdict = verdict_of(&CONTROL, |snapshot| snapshot.account.partition = facts::Partition::GovCloud);
        assert_eq!(verdict.status, Status::NotApplicable);
    }

    #[test]
    fn root_without_credentials_is_not_applicable() {
        let verdict = verdict_of(&CONTROL, root_credentials::remove);
        assert_eq!((verdict.status, verdict.evidence.len()), (Status::NotApplicable, 2));
    }

    #[test]
    fn missing_attestations_are_unknown_while_it_is_unknown_whether_root_has_credentials() {
        let verdict = verdict_of(&CONTROL, unread);
        assert_eq!((verdict.status, verdict.evidence.len()), (Status::Unknown, 3));
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(verdict.status, Status::Failed, "the counters show a password");
    }
}
