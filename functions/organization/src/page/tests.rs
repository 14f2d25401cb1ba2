//! What the page says first, that no text becomes markup or a formula, that nothing unseen reads as well, and how large it gets.

use facts::{AccountId, Severity};
use jiff::{SignedDuration, Timestamp};
use members::{Audited, Cause, Cell, Found, Member, Refusal, Skip, State};

use super::*;

const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\u{202e}nigol toor\u{2066} abc",
    "\"><b id=evil>&amp;",
    "a\r\nb\u{0}\tc\u{2028}d",
];

fn at() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn home() -> Account {
    Account { id: id(111_122_223_333), alias: None, partition: facts::Partition::Aws }
}

fn id(number: u64) -> AccountId {
    AccountId::parse(&format!("{number:012}")).unwrap()
}

fn member(number: u64, name: &str) -> Member {
    Member::new(id(number), name, Some(&format!("o-exampleorg1/r-ab12/ou-ab12-{}/{number:012}/", number % 3)), "ACTIVE")
}

fn row(number: u64, outcome: Outcome) -> Row {
    Row::new(member(number, &format!("team {number}")), outcome)
}

fn audited(steps: [Cell; 5], open: &[(&str, Severity)], unknown: usize) -> Outcome {
    let since = at() - SignedDuration::from_hours(24 * 40);
    let found =
        |(control, severity): &(&str, Severity)| Found { control: (*control).into(), severity: *severity, since };
    Outcome::Audited(Box::new(Audited {
        at: at(),
        whole_at: at(),
        steps,
        root: None,
        open: open.iter().map(found).collect(),
        unknown: vec!["root-hardware-mfa".into(); unknown],
        is_stale: false,
        by_role: None,
        declared: None,
    }))
}

fn refused(cause: Cause, last: Option<Timestamp>) -> Outcome {
    Outcome::Refused(Refusal::new(cause, "no: explicit deny", None, last, at()))
}

fn lost() -> Outcome {
    Outcome::NotLookedAt {
        error: "States.Timeout".into(),
        last_audited: Some(at() - SignedDuration::from_hours(6)),
        deep_at: None,
    }
}

const WELL: [Cell; 5] = [Cell::Passed, Cell::Passed, Cell::NeedsRole, Cell::NeedsRole, Cell::NeedsRole];

fn run(rows: &[Row]) -> Run {
    Run { skipped: BTreeMap::new(), ..Run::of("o-exampleorg1", "0e8d7f1c", rows) }
}

fn with<T>(rows: &[Row], use_of: impl FnOnce(&Page<'_>) -> T) -> T {
    let made_at = at() + SignedDuration::from_mins(3);
    use_of(&Page { run: &run(rows), rows, home: &home(), started: at(), made_at })
}

fn render(rows: &[Row]) -> String {
    with(rows, |page| page.render())
}

/// The texts between the tags of the body, without data and script.
fn text(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let parts = body.split('<').filter(|part| !part.starts_with("script"));
    parts.map(|part| part.split_once('>').map_or(part, |(_, rest)| rest)).collect()
}

fn sheet(rows: &[Row]) -> Vec<csv::StringRecord> {
    let table = with(rows, |page| page.table()).unwrap();
    csv::Reader::from_reader(table.as_bytes()).records().collect::<Result<_, _>>().unwrap()
}

/// One of every kind.
fn kinds() -> Vec<Row> {
    let cells = [Cell::Failed, Cell::Unknown, Cell::Suppressed, Cell::NotApplicable, Cell::NeedsRole];
    vec![
        row(1, audited(WELL, &[], 0)),
        row(2, audited(cells, &[("root-access-keys", Severity::Critical), ("root-unused", Severity::Low)], 1)),
        row(3, refused(Cause::ServiceControlPolicy, None)),
        row(4, lost()),
        row(5, Outcome::Skipped { why: Skip::Suspended }),
        row(6, audited([Cell::Passed; 5], &[("root-unused", Severity::Low)], 0)),
        row(7, refused(Cause::Denied, Some(at()))),
    ]
}

#[test]
fn the_verdict_comes_first_in_the_words_of_the_message_and_the_sum_holds() {
    let (rows, page) = (kinds(), render(&kinds()));
    let status = run_status(&run(&rows));
    assert!(status.starts_with("INCOMPLETE: 7 accounts: 3 audited (1 in part), 2 refused, 1 skipped, 1 not looked at"));
    let body = text(&page);
    assert!(body.contains(&format!("{status}.")) && page.contains(&format!("<title>{status}")), "{body}");
    assert!(body.contains("7= 3 audited (1 in part) + 2 refused + 1 skipped + 1 not looked at"), "{body}");
    let order = ["class=\"verdict ", "id=\"not-audited\"", "id=\"units\"", "id=\"open\"", "id=\"accounts\""];
    let places: Vec<usize> = order.iter().map(|part| page.find(part).unwrap_or_else(|| panic!("no {part}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(page.contains("datetime=\"2026-11-20T10:00:00Z\">2026-11-20 10:00:00 UTC"), "the run's time");
}

#[test]
fn each_kind_of_cell_has_words_and_a_form_of_its_own() {
    let page = render(&kinds());
    for look in Look::ALL {
        let words = look.in_short();
        let cell = format!("<span class=\"look {}\">{words}</span>", look.class());
        // Once in the legend, and once in a row, except for what wants no attention.
        let least = if matches!(look, Look::Skipped) { 1 } else { 2 };
        assert!(page.matches(&cell).count() >= least, "{cell}");
        assert!(STYLE.contains(&format!(".look.{} {{", look.class())), "{look:?} has no form");
    }
    for words in [
        "1/3 failing",
        "2 need the member role",
        "1 needs the member role",
        "1 unknown",
        "1 suppressed",
        "1 not applicable",
        "1 not looked at",
    ] {
        assert!(page.contains(&format!(">{words}</span>")), "{words}");
    }
    assert!(
        page.contains("a service control policy denies the audit")
            && page.contains("Fix: Exempt centrally managed sessions")
    );
}

#[test]
fn failing_and_unaudited_accounts_come_first_and_the_others_by_search_alone() {
    let page = render(&kinds());
    let body = page.split_once("<table class=\"accounts\">").unwrap().1.split_once("</table>").unwrap().0;
    let place = |name: &str| body.find(&format!("<bdi>{name}</bdi>"));
    let order: Vec<usize> = [2, 4, 7, 3, 6].map(|number| place(&format!("team {number}")).unwrap()).to_vec();
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!([place("team 1"), place("team 5")], [None, None]);
    for number in 1..=7 {
        assert!(page.contains(&format!("[\"{number:012}\",\"team {number}\",")), "{number} is not in the data");
    }
    assert_eq!(
        sheet(&kinds()).iter().map(|row| row[1].to_owned()).collect::<Vec<_>>()[..3],
        ["team 2", "team 4", "team 7"]
    );
}

#[test]
fn names_are_text_on_the_page_and_no_formula_in_the_table() {
    let long = "x".repeat(10_000);
    let names: Vec<&str> = HOSTILE.into_iter().chain([long.as_str(), "<".repeat(10_000).leak()]).collect();
    let mut rows = Vec::new();
    for (number, name) in (1..).zip(&names) {
        let found = [("root-mfa", Severity::Critical)];
        let mut row = Row { member: member(number, name), ..row(number, audited([Cell::Failed; 5], &found, 0)) };
        row.member.ous.push((*name).to_owned());
        row.member.state = State::parse(name);
        rows.push(row);
        let refusal = Refusal::new(Cause::Denied, name, None, None, at());
        rows.push(Row::new(member(100 + number, name), Outcome::Refused(refusal)));
    }
    // What was stored by others than this crate is not bounded.
    rows.iter_mut().for_each(|row| row.member.name.push_str("</bdi><b>"));
    let page = render(&rows);
    for evil in ["<script>alert", "<img", "<b id", "</bdi><b>", "\u{202e}", "\u{2066}", "\u{2028}"] {
        assert!(!page.contains(evil), "{evil:?}");
    }
    assert_eq!(page.matches("<script").count(), 2);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains(&"x".repeat(401)) && page.len() < 200_000, "{}", page.len());
    for record in sheet(&rows) {
        for cell in &record {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']) && !cell.contains(['\r', '\n']), "{cell:?}");
            assert!(cell.encode_utf16().count() < 32_767);
        }
    }
}

#[test]
fn nothing_is_loaded_and_the_script_takes_no_text_for_markup() {
    let page = render(&kinds());
    for loading in
        [" src=", "@import", "url(", "<iframe", "<object", "<form", " style=", " onclick=", "fetch(", "XMLHttpRequest"]
    {
        assert!(!page.contains(loading), "{loading}");
    }
    for markup in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("] {
        assert!(!SCRIPT.contains(markup), "{markup}");
    }
    assert!(page.contains("content=\"default-src 'none'; ") && !page.contains("unsafe-inline"));
}

#[test]
fn an_incomplete_run_never_reads_as_well() {
    for outcome in [refused(Cause::Throttled, None), lost(), audited(WELL, &[], 1)] {
        let page = render(&[row(1, audited(WELL, &[], 0)), row(2, outcome.clone())]);
        assert!(page.contains("class=\"verdict unknown\"") && page.contains("<title>INCOMPLETE: "), "{outcome:?}");
        assert!(!text(&page).contains("No open findings") && text(&page).contains("None seen"), "{outcome:?}");
        assert!(
            page.contains("<bdi>team 2</bdi>") && !page.contains("<bdi>team 1</bdi>"),
            "{outcome:?} needs no search"
        );
    }
    let page = render(&[row(1, audited(WELL, &[], 0)), row(2, Outcome::Skipped { why: Skip::Own })]);
    assert!(page.contains("class=\"verdict passed\"") && text(&page).contains("0 accounts fail"), "{}", text(&page));
    // What was not seen is no pass, also where all that was seen passes.
    assert!(page.contains("need the member role") || page.contains("1 needs the member role"));
}

#[test]
fn an_organization_without_accounts_is_no_all_clear() {
    let page = render(&[]);
    assert!(
        page.contains("class=\"verdict unknown\"") && page.contains("<title>INCOMPLETE: 0 accounts"),
        "{}",
        text(&page)
    );
    assert!(text(&page).contains("The list of accounts is empty"));
    assert_eq!(sheet(&[]).len(), 0);
}

#[test]
fn ten_thousand_accounts_are_all_in_the_search_below_five_megabytes() {
    let outcome = |number: u64| match number % 33 {
        0 => refused(Cause::ServiceControlPolicy, None),
        1..6 => {
            audited([Cell::Failed; 5], &[("root-access-keys", Severity::Critical), ("root-mfa", Severity::Critical)], 0)
        }
        _ => audited(WELL, &[], 0),
    };
    let rows: Vec<Row> = (1..=10_000).map(|number| row(number, outcome(number))).collect();
    let page = render(&rows);
    assert!(page.len() < MAX_BYTES, "{}", page.len());
    assert_eq!(page.matches("[\"00000").count(), 10_000, "each is in the data");
    let shown = page.matches("<th scope=\"row\"><bdi>team").count();
    assert!((1_000..=2_000).contains(&shown), "{shown}");
    assert!(text(&page).contains("in total. The others are found by the search"));
    assert!(!text(&page).contains("are not in the search"));
    assert_eq!(sheet(&rows).len(), 10_000);
}

#[test]
fn however_long_names_are_the_page_stays_below_five_megabytes_and_says_what_it_leaves_out() {
    let found: Vec<(&str, Severity)> =
        checklist::CHECKLIST.iter().map(|control| (control.id, Severity::High)).collect();
    let name = "<&\u{1f600}".repeat(70);
    let of = |number| Row { member: member(number, &name), ..row(number, audited([Cell::Failed; 5], &found, 3)) };
    let mut rows: Vec<Row> = (1..=10_000).map(of).collect();
    for (number, row) in rows.iter_mut().enumerate() {
        row.member.ous = vec![format!("ou-{number}-{name}")];
    }
    let page = render(&rows);
    assert!(page.len() < MAX_BYTES, "{}", page.len());
    assert!(text(&page).contains(" in better order are not in the search") && text(&page).contains("more units"));
    assert_eq!(sheet(&rows).len(), 10_000, "the table has all");
}

#[test]
fn on_a_phone_each_cell_has_the_name_of_its_column() {
    let page = render(&kinds());
    for table in page.split("<table class=\"").skip(1) {
        let (class, rest) = table.split_once('"').unwrap();
        let head = rest.split_once("<thead>").unwrap().1.split_once("</thead>").unwrap().0;
        let columns = head.split("<th scope=\"col\">").skip(1).map(|rest| rest.split_once("</th>").unwrap().0);
        for (place, column) in (1..).zip(columns) {
            let rule = format!(".{class} tbody tr > :nth-child({place})::before {{ content: \"{column}\"; }}");
            assert!(STYLE.contains(&rule), "{rule}");
        }
    }
}
