//! What could not be read, by cause: thirty sources that are denied for one reason are one line, with what to do about it once.

use std::fmt;

use facts::source::{Cause, Source, Unavailable};

use crate::control::Control;

/// Operations that one line names.
const NAMED: usize = 40;
/// Error codes of a denial that one line names.
const CODES: usize = 3;

/// Of a control that is unknown although all its sources could be read.
pub const UNJUDGED: &str = "Everything was read, but it does not suffice to evaluate this control: the reason says what is missing. If the \
     control is checked elsewhere, suppress it by an exception with an owner and an end (parameter Exceptions).";

/// Read errors of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadErrors<'a> {
    /// In the order in which they were met; at least one.
    pub errors: Vec<&'a Unavailable>,
    cause: &'a Cause,
}

/// `errors` by cause, each once.
pub fn by_cause<'a>(errors: impl IntoIterator<Item = &'a Unavailable>) -> Vec<ReadErrors<'a>> {
    let mut all: Vec<ReadErrors<'a>> = Vec::new();
    for error in errors {
        match all.iter_mut().find(|of_cause| of_cause.cause.is_like(&error.cause)) {
            Some(of_cause) if of_cause.errors.contains(&error) => {}
            Some(of_cause) => of_cause.errors.push(error),
            None => all.push(ReadErrors { errors: vec![error], cause: &error.cause }),
        }
    }
    all
}

impl ReadErrors<'_> {
    /// The operations, each once, with the number of Regions where there are several; at most `max`, and how many more.
    pub fn operations(&self, max: usize) -> String {
        let mut named: Vec<(&str, Vec<&str>)> = Vec::new();
        for error in &self.errors {
            let (operation, region) = error.operation.split_once(" in ").unwrap_or((&error.operation, ""));
            match named.iter_mut().find(|(known, _)| *known == operation) {
                Some((_, regions)) => regions.push(region),
                None => named.push((operation, vec![region])),
            }
        }
        let shown = named.iter().take(max).map(|(operation, regions)| match regions.as_slice() {
            [""] => (*operation).to_owned(),
            [region] => format!("{operation} in {region}"),
            regions => format!("{operation} ({} times)", regions.len()),
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        match named.len().saturating_sub(max) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }

    /// One line that names at most `max` operations.
    pub fn line(&self, max: usize) -> String {
        match self.errors.as_slice() {
            [error] => error.to_string(),
            errors => format!("{} reads {}: {}", errors.len(), self.several(), self.operations(max)),
        }
    }

    /// Goes on after `30 reads`.
    fn several(&self) -> String {
        let Cause::Denied { .. } = self.cause else { return several(self.cause) };
        let mut codes: Vec<&str> = Vec::new();
        for error in &self.errors {
            if let Cause::Denied { code } = &error.cause
                && !codes.contains(&code.as_str())
            {
                codes.push(code);
            }
        }
        let more = codes.len().saturating_sub(CODES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        codes.truncate(CODES);
        format!("were denied ({}{more})", codes.join(", "))
    }

    /// How to make it readable.
    pub fn remedy(&self) -> &'static str {
        self.errors.first().map_or("", |error| error.remedy())
    }
}

impl fmt::Display for ReadErrors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(NAMED))
    }
}

/// Goes on after `30 reads`.
fn several(cause: &Cause) -> String {
    match cause {
        Cause::Denied { code } => format!("were denied ({code})"),
        Cause::Throttled { code } => format!("were throttled ({code})"),
        Cause::Refused { code } => format!("failed ({code})"),
        Cause::TimedOut => "had no answer in time".into(),
        Cause::Unreachable => "had no connection".into(),
        Cause::Malformed { detail } => format!("gave an answer that cannot be used ({detail})"),
        Cause::NotReady => "did not finish in time".into(),
        Cause::Stale { .. } => "gave a report that is too old to evaluate".into(),
        Cause::OutOfTime => "were cut short by the end of this run".into(),
        Cause::Internal => "met a defect of rootwatch".into(),
        Cause::NotAsked => "were not asked for".into(),
    }
}

impl Control {
    /// How to make it readable, where `unread` of its sources could not be read, a sentence or more for each cause.
    pub(crate) fn made_readable<'a>(&self, unread: impl Iterator<Item = &'a Unavailable>) -> Vec<String> {
        let remedies: Vec<String> =
            by_cause(unread).iter().map(|errors| format!("{}. {}", errors, errors.remedy())).collect();
        if !remedies.is_empty() {
            return remedies;
        }
        // What the owner states is made known by stating it.
        if self.sources.contains(&Source::Attestations) {
            return self.remediation.console.iter().map(|step| (*step).to_owned()).collect();
        }
        vec![UNJUDGED.to_owned()]
    }
}
