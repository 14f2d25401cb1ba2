//! Files that are made from the code. `make bless` writes them; a stale one fails here.

use std::path::Path;

use checklist::message::Notification;
use checklist::report::Answer;

fn assert_generated(name: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, content).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == content, "{name} is stale: run `make bless` and read the difference");
}

fn assert_schema<T: checklist::JsonSchema>(name: &str) {
    let schema = serde_json::to_string_pretty(&checklist::schema_for::<T>()).unwrap();
    assert_generated(name, &(schema + "\n"));
}

#[test]
fn controls_md_is_the_checklist() {
    assert_generated("shared/checklist/CONTROLS.md", &checklist::controls::as_markdown());
}

#[test]
fn the_runbook_is_the_words_of_the_alerts() {
    assert_generated("docs/runbook.md", &checklist::message::runbook());
}

#[test]
fn the_schema_of_the_answer_is_its_type() {
    assert_schema::<Answer>("docs/report.schema.json");
}

#[test]
fn the_schema_of_the_notification_is_its_type() {
    assert_schema::<Notification>("docs/notification.schema.json");
}
