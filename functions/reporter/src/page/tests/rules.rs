//! What a reader relies on: the order, the filters, the words for each status, one form of times, cards on a phone.

use serde_json::json;

use super::{history, render, report, text};
use pages::STYLE;

#[test]
fn the_verdict_and_its_figures_come_before_the_steps_the_timeline_and_the_open_findings() {
    let page = render(&report(), &history(90));
    let order = [
        "class=\"verdict ",
        "Since root was last used",
        "Open findings",
        "Report of",
        "id=\"steps\"",
        "id=\"timeline\"",
        "id=\"open\"",
        "id=\"controls\"",
        "id=\"history\"",
    ];
    let places: Vec<usize> = order.iter().map(|part| page.find(part).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    let tiles =
        text(&format!("<body>{}", page.split_once("<ul class=\"tiles\">").unwrap().1.split_once("</ul>").unwrap().0));
    for figure in [
        "Since root was last used13 min2026-11-20 09:47:00 UTC",
        "Open findings1Critical 1",
        "Unknown controls0",
        "oldest source: credential report, 2 h 0 min",
    ] {
        assert!(tiles.contains(figure), "{figure}: {tiles}");
    }
}

#[test]
fn the_filters_need_no_script_and_every_value_has_a_rule() {
    let page = render(&report(), &history(1));
    let selectors = page.split_once("<div class=\"filters\"").unwrap().1.split_once("</div>").unwrap().0;
    let mut values = 0;
    for (id, attribute) in
        [("by-status", "data-status"), ("by-severity", "data-severity"), ("by-framework", "data-framework")]
    {
        let select =
            selectors.split_once(&format!("<select id=\"{id}\"")).unwrap().1.split_once("</select>").unwrap().0;
        for value in select
            .split("<option value=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .filter(|value| !value.is_empty())
        {
            values += 1;
            assert!(STYLE.contains(&format!("main:has(#{id} [value=\"{value}\"]:checked)")), "{value} hides nothing");
            assert!(STYLE.contains(&format!("[{attribute}]:not([{attribute}")), "{attribute}");
        }
    }
    assert_eq!(values, 5 + 5 + checklist::Framework::ALL.len());
    assert_eq!(page.matches("<table class=\"controls\">").count(), 1, "one table, not one for each framework");
    assert_eq!(page.matches("<tbody data-framework=").count(), 1 + checklist::Framework::ALL.len());
}

#[test]
fn a_passed_control_says_the_fact_and_an_unknown_one_what_cannot_be_verified() {
    let mut report = report();
    for finding in report["findings"].as_array_mut().unwrap() {
        match finding["control"].as_str() {
            Some("root-access-keys") => finding["reason"] = json!("Root has no access keys"),
            Some("root-mfa") => {
                finding["status"] = json!("unknown");
                finding["remedy"] = json!(["Allow iam:GetAccountSummary."]);
            }
            _ => {}
        }
    }
    let page = text(&render(&report, &history(1)));
    assert!(page.matches("Root has no access keys.").count() >= 2, "in its step and in the list of controls");
    assert!(page.contains("Cannot verify: root has MFA") && page.contains("How to make it readable"));
    assert!(page.contains("Allow iam:GetAccountSummary."));
    for gone in ["As it should be", "Not seen"] {
        assert!(!page.contains(gone), "{gone}");
    }
}

#[test]
fn every_time_has_one_form() {
    let mut report = report();
    report["findings"][0]["reason"] = json!("Root was used at 2026-11-20T09:51:00Z, within the last day");
    let page = text(&render(&report, &history(90)));
    assert!(page.contains("Root was used at 2026-11-20 09:51:00 UTC (9 min ago), within the last day."));
    let is_machines =
        |window: &[u8]| window[4] == b'-' && window[7] == b'-' && window[10] == b'T' && window[13] == b':';
    assert!(!page.as_bytes().windows(14).any(is_machines), "a time as machines write it");
    assert!(
        !page.contains(":00 UTC") || page.matches(" UTC").count() == page.matches(":00 UTC").count(),
        "every time has its seconds"
    );
}

#[test]
fn on_a_phone_each_cell_has_the_name_of_its_column() {
    let page = render(&report(), &history(1));
    for table in page.split("<table class=\"").skip(1) {
        let (class, rest) = table.split_once('"').unwrap();
        let head = rest.split_once("<thead>").unwrap().1.split_once("</thead>").unwrap().0;
        for (place, column) in
            (1..).zip(head.split("<th scope=\"col\">").skip(1).map(|rest| rest.split('<').next().unwrap()))
        {
            let rule = format!(".{class} tbody tr > :nth-child({place})::before {{ content: \"{column}\"; }}");
            assert!(STYLE.contains(&rule), "{rule}");
        }
    }
    assert_eq!(page.matches("<table").count(), page.matches("<table class=").count());
}
