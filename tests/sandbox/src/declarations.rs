//! Whether the declarations of an organization's members would be accepted, by the code that reads them.

use std::collections::BTreeSet;
use std::process::ExitCode;

use jiff::Timestamp;
use members::Declared;

pub(crate) fn check(file: &str) -> ExitCode {
    match checked(file, Timestamp::now()) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            eprintln!("It would be refused as a whole: what was accepted last stays in force.");
            ExitCode::FAILURE
        }
    }
}

fn checked(file: &str, now: Timestamp) -> Result<String, Vec<String>> {
    let bytes = std::fs::read(file).map_err(|error| vec![format!("{file}: {error}")])?;
    let Declared { exceptions, attestations, routes } = Declared::parse(&bytes, now)?;
    let over = exceptions.iter().filter(|exception| exception.entry.is_expired(now)).count()
        + attestations.iter().filter(|attestation| attestation.entry.is_lapsed(now)).count();
    let over = if over > 0 { format!(" {over} of the entries are over.") } else { String::new() };
    let names: BTreeSet<&str> = routes.iter().map(|route| route.route.as_str()).collect();
    let names = if names.is_empty() {
        String::new()
    } else {
        format!(" Routes: {}; each needs its topic.", names.into_iter().collect::<Vec<_>>().join(", "))
    };
    let [exceptions, attestations, routes] = [exceptions.len(), attestations.len(), routes.len()];
    let counts = [(exceptions, "exception"), (attestations, "attestation"), (routes, "route")];
    let counts = counts.map(|(count, one)| facts::text::counted(count, one, &format!("{one}s")));
    Ok(format!("It is valid: {}.{over}{names}", counts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_file_is_summed_up_and_one_with_a_fault_is_refused() {
        let file = std::env::temp_dir().join(format!("rootwatch-declarations-{}.json", std::process::id()));
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        let check = |text: &str| {
            std::fs::write(&file, text).unwrap();
            checked(file.to_str().unwrap(), now)
        };
        let entry = |until: &str| {
            format!(r#"{{"control": "user-mfa", "reason": "r", "owner": "o", "until": "{until}", "account": "444455556666"}}"#)
        };
        let valid = |until| {
            format!(r#"{{"exceptions": [{}], "routes": [{{"route": "payments", "ou": "ou-ab12-11111111"}}]}}"#, entry(until))
        };
        assert_eq!(
            check(&valid("2026-12-01")).unwrap(),
            "It is valid: 1 exception, 0 attestations, 1 route. Routes: payments; each needs its topic."
        );
        assert!(check(&valid("2026-11-01")).unwrap().contains(" 1 of the entries are over."));
        assert!(check("{").unwrap_err()[0].starts_with("not valid JSON"));
        assert!(checked("missing.json", now).unwrap_err()[0].starts_with("missing.json: "));
        std::fs::remove_file(&file).unwrap();
    }
}
