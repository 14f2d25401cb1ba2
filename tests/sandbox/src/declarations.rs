//! Whether the declarations of an organization's members would be accepted, by the code that reads them.

use std::collections::BTreeSet;
use std::process::ExitCode;

use jiff::Timestamp;
use members::Declared;

pub(crate) fn check(file: &str) -> ExitCode {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match checked(&bytes, Timestamp::now()) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            eprintln!("rootwatch would refuse the whole file; the version that was accepted last would stay in force.");
            ExitCode::FAILURE
        }
    }
}

fn checked(bytes: &[u8], now: Timestamp) -> Result<String, Vec<String>> {
    let Declared { exceptions, attestations, routes } = Declared::parse(bytes, now)?;
    let over = exceptions.iter().filter(|exception| exception.entry.is_expired(now)).count()
        + attestations.iter().filter(|attestation| attestation.entry.is_lapsed(now)).count();
    let over = match over {
        0 => String::new(),
        over => format!(" {} expired and without effect.", facts::text::counted(over, "entry is", "entries are")),
    };
    let names: BTreeSet<&str> = routes.iter().map(|route| route.route.as_str()).collect();
    let names = if names.is_empty() {
        String::new()
    } else {
        let topics: Vec<String> = names.into_iter().map(|name| format!("<stack>-route-{name}")).collect();
        format!(" Topics needed: {}.", topics.join(", "))
    };
    let [exceptions, attestations, routes] = [exceptions.len(), attestations.len(), routes.len()];
    let counts = [(exceptions, "exception"), (attestations, "attestation"), (routes, "route")];
    let counts = counts.map(|(count, one)| facts::text::counted(count, one, &format!("{one}s")));
    let not_known = "Whether accounts, units and tags exist was not checked.";
    Ok(format!("It is valid: {}.{over}{names} {not_known}", counts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_file_is_summed_up_and_one_with_a_fault_is_refused() {
        let check = |until: &str| {
            let text = format!(
                r#"{{"exceptions": [{{"control": "user-mfa", "reason": "r", "owner": "o", "until": "{until}", "account": "444455556666"}}],
                     "routes": [{{"route": "payments", "ou": "ou-ab12-11111111"}}]}}"#
            );
            checked(text.as_bytes(), "2026-11-20T10:00:00Z".parse().unwrap())
        };
        assert_eq!(
            check("2026-12-01").unwrap(),
            "It is valid: 1 exception, 0 attestations, 1 route. Topics needed: <stack>-route-payments. Whether accounts, units and tags exist was not checked."
        );
        assert!(check("2026-11-01").unwrap().contains(" 1 entry is expired and without effect."));
        assert!(check("soon").unwrap_err()[0].starts_with("exceptions, entry 1: user-mfa: `until` must be a date"));
    }
}
