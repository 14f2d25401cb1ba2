//! All accounts for a spreadsheet, a row an account.

use members::{Outcome, Row};
use pages::sheet;

use super::{Page, accounts, looks, path, why};

const COLUMNS: [&str; 18] = [
    "account",
    "name",
    "unit",
    "state",
    "outcome",
    "cause",
    "how_to_fix",
    "aws_said",
    "refused_since",
    "step_1",
    "step_2",
    "step_3",
    "step_4",
    "step_5",
    "open_findings",
    "unknown_controls",
    "last_audited",
    "run",
];
/// Findings, or controls, in one cell: more than there are, and fewer than a cell of a spreadsheet holds.
const MOST: usize = 100;

pub(super) fn write(page: &Page<'_>) -> Result<String, String> {
    sheet::write(COLUMNS, looks::sorted(page.rows).into_iter().map(|(_, row)| cells(page, row)))
}

fn cells(page: &Page<'_>, row: &Row) -> Vec<String> {
    let (said, fix) = why(&row.outcome).unwrap_or_default();
    let (outcome, aws_said) = match &row.outcome {
        Outcome::Audited(_) => ("audited", ""),
        Outcome::Refused(refusal) => ("refused", refusal.said.as_str()),
        Outcome::Skipped { .. } => ("skipped", ""),
        Outcome::NotLookedAt { error, .. } => ("not looked at", error.as_str()),
    };
    let audited = row.audited();
    let open = audited.into_iter().flat_map(|audited| &audited.open);
    let open = open.map(|found| {
        let severity = found.severity.to_string().to_lowercase();
        format!("{severity} {} since {}", found.control, pages::words::moment(found.since))
    });
    let unknown = audited.into_iter().flat_map(|audited| audited.unknown_controls().into_iter().map(str::to_owned));
    let cells = [
        // With the partition: of twelve digits a spreadsheet would make a number.
        format!("{}:{}", page.home.partition.as_str(), row.member.account),
        row.member.name.clone(),
        path(row),
        accounts::state(&row.member.state).to_owned(),
        outcome.to_owned(),
        said.to_owned(),
        fix.unwrap_or_default().to_owned(),
        aws_said.to_owned(),
        row.refusal().map(|refusal| refusal.since.to_string()).unwrap_or_default(),
    ];
    let steps = looks::of_steps(row).map(|look| look.words().to_owned());
    let rest = [
        listed(open),
        listed(unknown),
        row.last_audited().map(|at| at.to_string()).unwrap_or_default(),
        page.run.run.clone(),
    ];
    cells.into_iter().chain(steps).chain(rest).collect()
}

fn listed(all: impl Iterator<Item = String>) -> String {
    let mut kept: Vec<String> = all.take(MOST + 1).collect();
    if kept.len() > MOST {
        kept.truncate(MOST);
        kept.push("and more".to_owned());
    }
    kept.join("; ")
}
