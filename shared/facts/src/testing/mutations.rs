//! A search: every value inside of what was stored is replaced by odd ones, one at a time.

use serde_json::{Value, json};

fn odd_values() -> Vec<Value> {
    let deep = (0..200).fold(json!("x"), |inner, _| json!([inner]));
    let far = [
        "9999-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "-009999-01-02T01:59:59Z",
        "",
        "critical",
        "informational",
        "x",
    ];
    let values =
        [json!(null), json!(true), json!(false), json!(0), json!(-1), json!(1.5), json!(u32::MAX), json!(u64::MAX)];
    let more =
        [json!(1e300), json!([]), json!({}), deep, json!("x".repeat(300_000)), json!(["x", "y"]), json!({"x": "y"})];
    values.into_iter().chain(far.map(Value::from)).chain(more).collect()
}

/// Pointers to everything inside of `value`, itself included.
pub fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, item)| places(item, &format!("{at}/{number}"), found));
        }
        Value::Object(fields) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            fields.iter().for_each(|(name, field)| places(field, &format!("{at}/{}", escaped(name)), found));
        }
        _ => {}
    }
}

/// Every body that comes of `body` by one odd value, one field more or less, or an end that is cut off.
pub fn mutations(body: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(body).unwrap();
    let mut found = Vec::new();
    places(&value, "", &mut found);
    let mut bodies =
        vec![String::new(), "?".into(), body.chars().take(body.len() / 2).collect(), format!("{body}{body}")];
    for place in found {
        for odd in odd_values() {
            let mut mutated = value.clone();
            *mutated.pointer_mut(&place).unwrap() = odd;
            bodies.push(mutated.to_string());
        }
        let Some((parent, name)) = place.rsplit_once('/') else { continue };
        let mut less = value.clone();
        match less.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(&name.replace("~1", "/").replace("~0", "~"))),
            Value::Array(items) => drop(items.remove(name.parse().unwrap())),
            _ => panic!("a place has a parent"),
        }
        bodies.push(less.to_string());
        let mut more = value.clone();
        if let Value::Object(fields) = more.pointer_mut(&place).unwrap() {
            fields.insert("more".into(), json!({"x": [1]}));
            bodies.push(more.to_string());
        }
    }
    bodies
}
