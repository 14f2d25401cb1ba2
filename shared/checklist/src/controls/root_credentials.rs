//! Whether root can sign in at all, and whether with MFA. Of a root without credentials nothing is asked.
//!
//! Three sources show root's credentials: the credential report and the audit of a member account list them, the account summary counts
//! them. One of the two lists is enough beside the counters; where both lists can be read, both count.

use facts::account::Partition;
use facts::credential_report::{Cell, RootRow, SlotState};
use facts::root_audit::RootAudit;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Evidence, Status, Verdict, Witness};

/// Two sources that list the same: each that can be read counts, and one of them is enough. Where neither can, the first one that was asked
/// for says why.
pub(super) fn lists(one: Witness, other: Witness) -> (Witness, Option<Witness>) {
    match (&one.1, &other.1) {
        (Ok(_), Ok(_)) => (one, Some(other)),
        (Ok(_), Err(_)) => (one, None),
        (Err(_), Ok(_)) => (other, None),
        (Err(unread), Err(why)) if unread.is_not_asked() && !why.is_not_asked() => (other, None),
        (Err(_), Err(_)) => (one, None),
    }
}

/// The worst of the report, the audit and the counters.
pub(super) fn worst_of(
    by_report: Result<Verdict, Unavailable>,
    by_audit: Result<Verdict, Unavailable>,
    by_summary: Result<Verdict, Unavailable>,
) -> Verdict {
    let (list, second) = lists((Source::CredentialReport, by_report), (Source::RootAudit, by_audit));
    Verdict::worst_of(list, second.into_iter().chain([(Source::AccountSummary, by_summary)]))
}

/// Whether root has a password, an access key or a signing certificate. One source that shows one is enough; that there is none
/// takes a list and the counters.
pub(super) fn exist(snapshot: &Snapshot) -> Result<bool, Unavailable> {
    let listed = match (in_report(snapshot), in_audit(snapshot)) {
        (Ok(in_report), Ok(in_audit)) => Ok(in_report || in_audit),
        (Ok(listed), Err(_)) | (Err(_), Ok(listed)) => Ok(listed),
        (Err(unread), Err(why)) => Err(if unread.is_not_asked() && !why.is_not_asked() { why } else { unread }),
    };
    match (listed, in_summary(snapshot)) {
        (Ok(true), _) | (_, Ok(true)) => Ok(true),
        (Ok(false), Ok(false)) => Ok(false),
        (Err(unavailable), _) | (_, Err(unavailable)) => Err(unavailable),
    }
}

/// Not applicable where root does not sign in; `None`: root can sign in, or may be able to.
///
/// Root of AWS GovCloud (US) does not sign in to the console and has access keys alone
/// (<https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/signing-into-govcloud.html>,
/// <https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-account-root-user.html>). In China there is no root user, all
/// users are IAM users (<https://docs.amazonaws.cn/en_us/aws/latest/userguide/iam.html>): so it is as long as no source shows a
/// credential.
pub(super) fn does_not_sign_in(snapshot: &Snapshot) -> Option<Verdict> {
    let reason = match snapshot.account.partition {
        Partition::Aws => return None,
        Partition::GovCloud => "Root does not sign in to the AWS GovCloud (US) console and cannot have an MFA device",
        Partition::China if in_report(snapshot) == Ok(false) && in_summary(snapshot) != Ok(true) => {
            "Accounts in the AWS China Regions have no root user that can sign in"
        }
        Partition::China => return None,
    };
    Some(Verdict::new(Status::NotApplicable, reason, Vec::new()))
}

/// The verdict where the sources show that root has no credentials.
pub(super) fn none(snapshot: &Snapshot) -> Verdict {
    let lists = [
        (in_report(snapshot) == Ok(false)).then(|| in_report_none(snapshot)),
        (in_audit(snapshot) == Ok(false)).then(|| in_audit_none(snapshot)),
    ];
    without_credentials(lists.into_iter().flatten().chain([in_summary_none(snapshot)]).collect())
}

/// Not applicable without credentials; else whether root has an MFA device of any kind. The worse source counts.
pub(super) fn have_mfa(snapshot: &Snapshot) -> Verdict {
    worst_of(mfa_by_report(snapshot), mfa_by_audit(snapshot), mfa_by_summary(snapshot))
}

fn mfa_by_report(snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
    if !in_report(snapshot)? {
        return Ok(without_credentials(vec![in_report_none(snapshot)]));
    }
    let mfa = snapshot.root_row()?.mfa_active.clone()?;
    Ok(with_credentials(mfa, vec![snapshot.report_evidence("mfa_active", mfa)]))
}

fn mfa_by_audit(snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
    if !in_audit(snapshot)? {
        return Ok(without_credentials(vec![in_audit_none(snapshot)]));
    }
    let devices = snapshot.audit()?.mfa_devices.as_ref().map_err(Clone::clone)?;
    let evidence = snapshot.evidence(Source::RootAudit, "MFA devices of root", devices.len());
    Ok(with_credentials(!devices.is_empty(), vec![evidence]))
}

fn mfa_by_summary(snapshot: &Snapshot) -> Result<Verdict, Unavailable> {
    if !in_summary(snapshot)? {
        return Ok(without_credentials(vec![in_summary_none(snapshot)]));
    }
    let mfa = snapshot.summary()?.root_mfa.clone()?;
    Ok(with_credentials(mfa > 0, vec![snapshot.evidence(Source::AccountSummary, "AccountMFAEnabled", mfa)]))
}

fn without_credentials(evidence: Vec<Evidence>) -> Verdict {
    Verdict::new(Status::NotApplicable, "Root has no credentials to protect", evidence)
}

fn with_credentials(mfa: bool, evidence: Vec<Evidence>) -> Verdict {
    if mfa {
        Verdict::new(Status::Passed, "Root has an MFA device", evidence)
    } else {
        Verdict::new(Status::Failed, "Root has credentials and no MFA device", evidence)
    }
}

fn in_report(snapshot: &Snapshot) -> Result<bool, Unavailable> {
    let root = snapshot.root_row()?;
    // An unreadable password cell (`not_supported` for years) is a password until something says otherwise.
    Ok(root.password_enabled.clone().unwrap_or(true) || holds_keys(root)?)
}

fn in_audit(snapshot: &Snapshot) -> Result<bool, Unavailable> {
    let RootAudit { password, access_keys, signing_certificates, .. } = snapshot.audit()?;
    let parts = [
        password.as_ref().map(Option::is_some),
        access_keys.as_ref().map(|keys| !keys.is_empty()),
        signing_certificates.as_ref().map(|certificates| !certificates.is_empty()),
    ];
    if parts.contains(&Ok(true)) {
        return Ok(true);
    }
    for part in parts {
        part.map_err(Clone::clone)?;
    }
    Ok(false)
}

fn in_summary(snapshot: &Snapshot) -> Result<bool, Unavailable> {
    let summary = snapshot.summary()?;
    let credentials = [&summary.root_password, &summary.root_access_keys, &summary.root_signing_certificates];
    if credentials.iter().any(|count| count.as_ref().is_ok_and(|count| *count > 0)) {
        return Ok(true);
    }
    for count in credentials {
        count.clone()?;
    }
    Ok(false)
}

fn in_report_none(snapshot: &Snapshot) -> Evidence {
    snapshot.report_evidence("root credentials", "none")
}

fn in_audit_none(snapshot: &Snapshot) -> Evidence {
    snapshot.evidence(Source::RootAudit, "root credentials", "none")
}

fn in_summary_none(snapshot: &Snapshot) -> Evidence {
    snapshot.evidence(Source::AccountSummary, "root credentials", "none")
}

fn holds_keys(root: &RootRow) -> Cell<bool> {
    let slots: Cell<Vec<SlotState>> =
        root.access_keys.iter().chain(&root.signing_certificates).map(|slot| slot.state()).collect();
    Ok(slots?.iter().any(|state| *state != SlotState::Empty))
}

/// Root's password is gone by both sources, and with it everything.
#[cfg(test)]
pub(super) fn remove(snapshot: &mut Snapshot) {
    snapshot.root().password_enabled = Ok(false);
    snapshot.root().mfa_active = Ok(false);
    let summary = snapshot.summary_mut();
    summary.root_password = Ok(0);
    summary.root_mfa = Ok(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use facts::testing::unavailable;

    fn exist_after(change: impl FnOnce(&mut Snapshot)) -> Option<bool> {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        exist(&snapshot).ok()
    }

    #[test]
    fn one_source_is_enough_for_credentials_and_both_are_needed_for_none() {
        let report = |snapshot: &mut Snapshot| snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        let summary = |snapshot: &mut Snapshot| snapshot.account_summary = Err(unavailable(Source::AccountSummary));
        assert_eq!(exist_after(|_| {}), Some(true));
        assert_eq!([exist_after(report), exist_after(summary)], [Some(true); 2]);
        assert_eq!(exist_after(|snapshot| snapshot.root().password_enabled = Ok(false)), Some(true));
        assert_eq!(exist_after(|snapshot| snapshot.summary_mut().root_password = Ok(0)), Some(true));
        assert_eq!(exist_after(remove), Some(false));
        let audit = |snapshot: &mut Snapshot| snapshot.root_audit = Snapshot::audited().root_audit;
        let without_list = exist_after(|snapshot| {
            remove(snapshot);
            report(snapshot);
            audit(snapshot);
        });
        assert_eq!(without_list, Some(false), "the audit lists them as the report does");
        for unread in [report, summary] {
            let without = exist_after(|snapshot| {
                remove(snapshot);
                unread(snapshot);
            });
            assert_eq!(without, None);
        }
    }
}
