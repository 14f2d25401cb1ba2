//! Affected users, in the page and as data.

use serde_json::{Value, json};

use super::{history, render, sample, text, with};

#[test]
fn the_data_of_the_users_reads_back_as_what_the_rows_say() {
    let users: Vec<_> = (0..3)
        .map(sample::user)
        .chain([{
            let mut user = sample::user(3);
            user["name"] = json!("</script>");
            user
        }])
        .collect();
    let page = render(&with("users", json!(users)), &history(1));
    let data = page
        .split_once("<script id=\"users-data\" type=\"application/json\">")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["users"][3][0], "</script>");
    assert_eq!(data["users"][0][4].as_array().unwrap().len(), 2);
    assert_eq!((&data["users"][1][7], &data["tags"]), (&json!(3), &json!(["nomfa", "old", "unused", "nogroup"])));
    assert_eq!(data["users"][0][4][0], json!([1, 421_080, 20_758]), "active, its age in minutes, its last day");
    assert_eq!(data["groups"][data["users"][1][5][1][1].as_u64().unwrap() as usize], "team-1");
}

/// What the page says of one user, and the filters that find them.
fn user(change: Value) -> (String, Vec<&'static str>) {
    let mut user = sample::user(3);
    user.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    let page = render(&with("users", json!([user])), &history(1));
    let row = page.split_once("<table class=\"users\">").unwrap().1.split_once("<tbody>").unwrap().1;
    let data = page.split_once("type=\"application/json\">").unwrap().1.split_once("</script>").unwrap().0;
    let tags = serde_json::from_str::<Value>(data).unwrap()["users"][0][7].as_u64().unwrap();
    let names = ["nomfa", "old", "unused", "nogroup"];
    let found = names.into_iter().enumerate().filter(|(bit, _)| tags & (1 << bit) != 0).map(|(_, name)| name);
    (text(&format!("<body>{}", row.split("</tr>").next().unwrap())), found.collect())
}

#[test]
fn keys_that_could_not_be_read_are_unknown_and_not_none() {
    assert!(user(json!({"access_keys": null})).0.contains("2026-11-20unknownDevelopers"));
    assert!(user(json!({"access_keys": []})).0.contains("2026-11-20noneDevelopers"));
    assert_eq!(user(json!({"access_keys": null})).1, [""; 0]);
}

#[test]
fn a_credential_that_was_never_used_counts_as_unused_from_the_day_it_was_made() {
    let key = |created: &str, used: Option<&str>| json!({"access_keys": [{"active": true, "created": created, "last_used": used}]});
    let password = |changed: Option<&str>| json!({"access_keys": [], "password_last_used": null, "password_last_changed": changed});
    let (young, old) = ("2026-10-20T00:00:00Z", "2026-10-01T00:00:00Z");
    let is_unused = |change: Value| user(change).1.contains(&"unused");
    assert!(!is_unused(key(young, None)) && is_unused(key(old, None)));
    assert!(!is_unused(key(old, Some(young))) && is_unused(key("2026-01-01T00:00:00Z", Some(old))));
    assert!(!is_unused(password(Some(young))) && is_unused(password(Some(old))));
    assert!(is_unused(password(None)), "as far as is known");
}
