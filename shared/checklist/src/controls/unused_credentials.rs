use facts::credential_report::{Cell, UserRow};
use facts::severity::Severity;
use facts::snapshot::Snapshot;
use facts::source::{Source, Unavailable};
use facts::verdict::{Status, Verdict};
use jiff::Timestamp;

use super::age::is_older;
use super::survey::Survey;
use super::user_keys::{self, CredentialName};
use crate::control::{Control, Reference, Remediation, name_before_parentheses};
use crate::framework::Framework;
use crate::settings::Settings;

pub(crate) const CONTROL: Control = Control {
    id: "unused-credentials",
    title: "No user has an unused password or active access key",
    violation: "unused credentials are active",
    step: None,
    severity: Severity::Medium,
    rationale: "A credential that is not used only helps attackers, and you do not notice when they use it. It often \
                belongs to a person who has left.",
    semantics: "Fails when a password or an active access key of an IAM user was last used longer ago than the limit \
                (`UnusedCredentialsDays`, 45 days by default). One that was never used counts from the day it was \
                created; if the credential report does not show that day, from the day the user was created. Unknown \
                when the report says that a user has more keys than the two it shows. Root is not evaluated here: its \
                credentials should be unused. Not applicable when no user has a password or an active key.",
    remediation: Remediation {
        console: &[
            "Ask the user, or the owner of the program, whether the credential is still needed.",
            "A password: IAM > Users > [user] > Security credentials > Manage console access > Disable.",
            "A key: IAM > Users > [user] > Security credentials > Actions > Deactivate. A few days later: Actions > \
             Delete.",
        ],
        cli: &[
            "aws iam delete-login-profile --user-name <user>",
            "aws iam update-access-key --user-name <user> --access-key-id <key id> --status Inactive",
            "aws iam delete-access-key --user-name <user> --access-key-id <key id>",
        ],
    },
    sources: &[Source::CredentialReport],
    user_of: name_before_parentheses,
    mappings: &[
        (Framework::Cis3, "1.12"),
        (Framework::Cis5, "1.11"),
        (Framework::Cis6, "2.11"),
        (Framework::Cis7, "2.11"),
        (Framework::SecurityHub, "IAM.8"),
        (Framework::SecurityHub, "IAM.22"),
        (Framework::Config, "iam-user-unused-credentials-check"),
        (Framework::Prowler, "iam_user_accesskey_unused"),
        (Framework::Prowler, "iam_user_console_access_unused"),
    ],
    references: &[Reference {
        name: "AWS: Find unused AWS credentials",
        url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_finding-unused.html",
    }],
    evaluate,
};

/// A password or an access key.
struct Credential<'a> {
    name: CredentialName<'a>,
    active: &'a Cell<bool>,
    used: &'a Cell<Option<Timestamp>>,
    made: &'a Cell<Option<Timestamp>>,
    /// When its user was made.
    user_made: &'a Cell<Option<Timestamp>>,
}

impl Credential<'_> {
    /// Since when it has not been used, and its last event; the error says why that is unknown.
    fn idle_since(&self) -> Result<(Timestamp, &'static str), String> {
        let read = |cell: &Cell<Option<Timestamp>>| cell.clone().map_err(|cell| cell.to_string());
        if let Some(at) = read(self.used)? {
            return Ok((at, "last used"));
        }
        let made = match read(self.made)? {
            Some(made) => Some(made),
            None => read(self.user_made)?,
        };
        made.map(|at| (at, "never used, created")).ok_or_else(|| "never used, creation date unknown".into())
    }
}

fn credentials(user: &UserRow) -> impl Iterator<Item = Credential<'_>> {
    let password = Credential {
        name: CredentialName { user: &user.name, credential: "password" },
        active: &user.password_enabled,
        used: &user.password_last_used,
        made: &user.password_last_changed,
        user_made: &user.created,
    };
    let keys = user_keys::slots(user).map(|(name, key)| Credential {
        name,
        active: &key.active,
        used: &key.last_used,
        made: &key.last_rotated,
        user_made: &user.created,
    });
    std::iter::once(password).chain(keys)
}

fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Result<Verdict, Unavailable> {
    let days = settings.unused_credentials_days;
    let mut survey = Survey::default();
    let mut active = 0;
    let users = &snapshot.fresh_credential_report()?.users;
    for credential in users.iter().flat_map(credentials) {
        if *credential.active == Ok(false) {
            continue;
        }
        active += 1;
        let idle_since = credential.idle_since();
        let evidence = |value: String| snapshot.report_evidence(credential.name.to_string(), value);
        match (credential.active, idle_since) {
            // In use, active or not.
            (_, Ok((at, _))) if !is_older(snapshot, at, days) => {}
            (Ok(_), Ok((at, event))) => survey.wrong.push(evidence(format!("{event} {at}"))),
            (Err(cell), _) => survey.unclear.push(evidence(cell.to_string())),
            (Ok(_), Err(why)) => survey.unclear.push(evidence(why)),
        }
    }
    survey.unclear.extend(user_keys::further(snapshot, users));
    let evidence = vec![snapshot.report_evidence("passwords and active access keys", active)];
    let fine = if active == 0 {
        Verdict::new(Status::NotApplicable, "No user has a password or an active access key", evidence)
    } else {
        let reason = format!("Every password and active access key was used or created within {days} days");
        Verdict::new(Status::Passed, reason, evidence)
    };
    let wrong = format!("password or access key has not been used for more than {days} days");
    let wrong_ones = format!("passwords and access keys have not been used for more than {days} days");
    Ok(survey.verdict(
        fine,
        [&wrong, &wrong_ones],
        [
            "credential cannot be evaluated from the credential report",
            "credentials cannot be evaluated from the credential report",
        ],
    ))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::controls::tests::{verdict_of, verdict_with};
    use facts::credential_report::{KeySlot, UnreadableCell};
    use facts::testing::unavailable;

    fn ago(snapshot: &Snapshot, days: i64, seconds: i64) -> Cell<Option<Timestamp>> {
        Ok(Some(snapshot.taken_at - SignedDuration::from_hours(24 * days) - SignedDuration::from_secs(seconds)))
    }

    fn alice(snapshot: &mut Snapshot) -> &mut UserRow {
        &mut snapshot.report_users()[0]
    }

    fn cell<T>() -> Cell<T> {
        Err(UnreadableCell { column: "some", found: Some("?".into()) })
    }

    #[test]
    fn credentials_in_use_pass() {
        let verdict = verdict_of(&CONTROL, |_| {});
        assert_eq!((verdict.status, verdict.evidence[0].value.as_str()), (Status::Passed, "2"));
    }

    #[test]
    fn the_limit_is_a_setting_and_holds_to_the_second() {
        type Use = fn(&mut UserRow, Cell<Option<Timestamp>>);
        let uses: [(&str, Use); 3] = [
            ("alice (password)", |user, at| user.password_last_used = at),
            ("alice (access key 1)", |user, at| user.access_keys[0].last_used = at),
            ("alice (access key 2)", |user, at| {
                user.access_keys[1] = KeySlot { last_used: at, ..user.access_keys[0].clone() };
            }),
        ];
        for (name, set) in uses {
            for days in [30, 45] {
                let settings = Settings { unused_credentials_days: days, ..Settings::default() };
                let at = |seconds| {
                    verdict_with(&CONTROL, &settings, |snapshot| {
                        let at = ago(snapshot, days.into(), seconds);
                        set(alice(snapshot), at);
                    })
                };
                assert_eq!(at(0).status, Status::Passed, "{name} {days}");
                assert_eq!((at(1).status, at(1).resources), (Status::Failed, vec![name.to_owned()]), "{days}");
            }
        }
    }

    #[test]
    fn a_credential_that_was_never_used_counts_from_its_making_else_from_the_users() {
        type Make = fn(&mut UserRow, Cell<Option<Timestamp>>);
        let makes: [(&str, Make); 4] = [
            ("password", |user, at| {
                (user.password_last_used, user.password_last_changed) = (Ok(None), at);
            }),
            ("user of the password", |user, at| {
                (user.password_last_used, user.password_last_changed, user.created) = (Ok(None), Ok(None), at);
            }),
            ("key", |user, at| {
                (user.access_keys[0].last_used, user.access_keys[0].last_rotated) = (Ok(None), at);
            }),
            ("user of the key", |user, at| {
                (user.access_keys[0].last_used, user.access_keys[0].last_rotated) = (Ok(None), Ok(None));
                user.created = at;
            }),
        ];
        for (name, set) in makes {
            let at = |seconds| {
                verdict_of(&CONTROL, |snapshot| {
                    let at = ago(snapshot, 45, seconds);
                    set(alice(snapshot), at);
                })
            };
            assert_eq!([at(0).status, at(1).status], [Status::Passed, Status::Failed], "{name}");
            assert_eq!(at(1).evidence[1].value, "never used, created 2026-10-06T09:59:59Z", "{name}");
        }
    }

    #[test]
    fn inactive_credentials_and_roots_are_not_evaluated() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            let old = ago(snapshot, 400, 0);
            let root = snapshot.root();
            root.password_last_used = old.clone();
            root.access_keys[0] = KeySlot { active: Ok(true), last_used: old.clone(), ..root.access_keys[0].clone() };
            let alice = alice(snapshot);
            (alice.password_enabled, alice.password_last_used) = (Ok(false), old.clone());
            (alice.access_keys[0].active, alice.access_keys[0].last_used) = (Ok(false), old);
        });
        assert_eq!(verdict.status, Status::NotApplicable);
    }

    #[test]
    fn a_cell_that_cannot_be_read_is_unknown_unless_another_credential_fails() {
        let changes: [fn(&mut UserRow); 5] = [
            |user| user.password_enabled = cell(),
            |user| user.password_last_used = cell(),
            |user| (user.password_last_used, user.password_last_changed) = (Ok(None), cell()),
            |user| {
                (user.password_last_used, user.password_last_changed, user.created) = (Ok(None), Ok(None), cell());
            },
            |user| {
                (user.password_last_used, user.password_last_changed, user.created) = (Ok(None), Ok(None), Ok(None));
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let unread = |snapshot: &mut Snapshot| {
                alice(snapshot).password_last_used = ago(snapshot, 46, 0);
                change(alice(snapshot));
            };
            let verdict = verdict_of(&CONTROL, unread);
            assert_eq!(verdict.status, Status::Unknown, "{number}");
            assert_eq!(verdict.evidence[1].fact, "alice (password)");
            let verdict = verdict_of(&CONTROL, |snapshot| {
                unread(snapshot);
                alice(snapshot).access_keys[0].last_used = ago(snapshot, 46, 0);
            });
            assert_eq!(
                (verdict.status, verdict.reason.as_str()),
                (Status::Failed, "1 password or access key has not been used for more than 45 days")
            );
        }
    }

    #[test]
    fn credentials_that_the_report_does_not_show_are_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            alice(snapshot).further_credentials = Some("1 additional access key".into());
        });
        assert_eq!(verdict.status, Status::Unknown);
        assert_eq!(verdict.evidence[1].fact, "alice (further credentials)");
    }

    #[test]
    fn a_report_that_could_not_be_read_is_unknown() {
        let verdict = verdict_of(&CONTROL, |snapshot| {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport));
        });
        assert_eq!(verdict.status, Status::Unknown);
    }
}
