//! What the owner of the organization declares about its members: the version in the bucket, or the one that was accepted last.

use aws::organization::runs::Runs;
use jiff::Timestamp;
use members::{Declared, InForce};

/// The declarations that a run over so many `accounts` goes by. Without a version that can be read and is accepted, the one that was accepted last holds.
pub(crate) async fn in_force(objects: &Runs, accounts: usize, now: Timestamp) -> InForce {
    let [written, accepted] = objects.declarations().await;
    let parsed = match &written {
        Ok(written) => Declared::parse(text(written.as_deref()), now)
            .and_then(|declared| declared.too_much_for(accounts).map_or(Ok(declared), |fault| Err(vec![fault]))),
        Err(error) => Err(vec![error.to_string()]),
    };
    match (parsed, accepted) {
        (Ok(declared), accepted) => {
            let written = written.ok().flatten();
            let mut faults = Vec::new();
            // What is deleted is withdrawn: a version that is refused later must not bring it back.
            if accepted.ok().is_none_or(|accepted| text(accepted.as_deref()) != text(written.as_deref()))
                && let Err(error) = objects.put_accepted(text(written.as_deref()).to_vec()).await
            {
                faults.push(format!(
                    "this version could not be stored; if a later one is refused, an older one than this applies: {error}"
                ));
            }
            InForce { declared, is_earlier: false, faults, tags_unread: 0 }
        }
        (Err(mut faults), accepted) => {
            let earlier = match accepted {
                Ok(accepted) => Declared::parse(text(accepted.as_deref()), now).map_err(|faults| faults.join("; ")),
                Err(error) => Err(error.to_string()),
            };
            let declared = earlier.unwrap_or_else(|fault| {
                faults.insert(
                    0,
                    format!("the version that was accepted last cannot be read, so nothing is declared: {fault}"),
                );
                Declared::default()
            });
            InForce { declared, is_earlier: true, faults, tags_unread: 0 }
        }
    }
}

fn text(object: Option<&[u8]>) -> &[u8] {
    object.unwrap_or(b"{}")
}

/// The declarations that the run's list of accounts was made by, and whether they are known.
pub(crate) async fn of_run(objects: &Runs, run: &str) -> (InForce, bool) {
    let fault = match objects.in_force(run).await {
        Ok(None) => format!("the declarations of the run {run} are not there"),
        Ok(Some(lines)) => match (lines.read.into_iter().next(), lines.unread.into_iter().next()) {
            (Some(in_force), _) => return (in_force, true),
            (None, fault) => fault.unwrap_or_default(),
        },
        Err(error) => error.to_string(),
    };
    tracing::error!(fault, "every finding is sent to the main topic");
    let faults = vec![format!("routes are not known, so every finding is sent to the main topic: {fault}")];
    (InForce { faults, ..InForce::default() }, false)
}
