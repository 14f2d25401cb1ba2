//! Untrusted text stays text.

use facts::Status;
use serde_json::json;

use super::{history, render, report, sample};
use crate::stored::Stored;

/// Texts that would be markup, end an element, turn the line round, or never end.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script><b id=evil>",
    "'-alert(1)-' <!-- ",
    "\u{202e}drowssap\u{2066}",
    "javascript:alert(1)",
];

#[test]
fn hostile_text_stays_text_wherever_it_stands() {
    for hostile in HOSTILE.into_iter().map(str::to_owned).chain(["x".repeat(100_000)]) {
        let mut report = report();
        let exception = json!({"control": hostile, "reason": hostile, "owner": hostile, "until": sample::TAKEN_AT, "resource": hostile});
        let mut action = sample::action(2, "high", "write_call");
        for field in ["event_id", "region", "event_name", "source_address", "user_agent", "target", "error"] {
            action[field] = json!(hostile);
        }
        action["planned"] = json!({"from": sample::TAKEN_AT, "to": sample::TAKEN_AT, "ticket": hostile, "by": hostile});
        let mut user = sample::user(2);
        user["name"] = json!(hostile);
        user["groups"] = json!([hostile]);
        user["controls"] = json!([hostile]);
        report["findings"][0]["reason"] = json!(hostile);
        report["findings"][0]["status"] = json!("failed");
        report["findings"][0]["resources"] = json!([hostile]);
        report["findings"][0]["exceptions"] = json!([exception]);
        report["findings"][0]["evidence"][0]["fact"] = json!(hostile);
        report["findings"][0]["evidence"][0]["value"] = json!(hostile);
        report["account"]["alias"] = json!(hostile);
        report["version"] = json!(hostile);
        report["schema"] = json!(hostile);
        report["settings"] = json!({(hostile.clone()): hostile});
        report["left_out"] = json!([hostile]);
        report["root_activity"] = json!([action]);
        report["users"] = json!([user]);
        report["declarations"] = json!({"exceptions": [exception], "attestations": [{"statement": "root-password-strong", "by": hostile, "on": sample::TAKEN_AT}]});
        report["plans"] = json!([action["planned"]]);
        report["calls"] = json!([{"operation": hostile, "region": hostile, "request_id": hostile, "at": sample::TAKEN_AT, "status": 200}]);
        report["sources"][0]["error"] =
            json!({"source": "credential_report", "operation": hostile, "cause": "malformed", "detail": hostile});
        report["sources"][0]["sha256"] = json!(hostile);
        report["cut"] = json!({(hostile.clone()): 1});
        report["previous"] = json!({"key": hostile, "sha256": hostile});
        let stored = Stored::read(&report);
        assert_eq!(
            (stored.users.len(), stored.root_activity.len(), stored.calls.len()),
            (1, 1, 1),
            "all of it is read"
        );
        let mut history = history(2);
        history.runs[0].statuses.insert(hostile.clone(), Status::Failed);
        history.schema = hostile.clone();
        let page = render(&report, &history);
        let body = page.split_once("<body>").unwrap().1;
        for dead in ["<script>alert", "<img", "<b id", "<!--", "\u{202e}drowssap\u{2066} (1111", "href=\"javascript"] {
            assert!(!body.contains(dead), "{dead} of {hostile:.40}");
        }
        assert_eq!(page.matches("<script").count(), 2, "data and script alone");
        assert_eq!(page.matches("</script").count(), 2, "data and script alone");
        assert!(page.len() < 1_000_000, "{} bytes", page.len());
        assert!(body.contains("Suppressed"));
    }
}
