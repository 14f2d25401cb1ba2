//! IAM Access Analyzer: each Region has analyzers of its own.

use serde_json::{Value, json};

use crate::baseline::Analyzer;
use crate::fault::ServiceError;
use crate::iam::Form;
use crate::page::Pages;
use crate::server::State;

const ANALYZERS: Pages = Pages {
    list: "analyzers",
    fields: ("maxResults", "nextToken"),
    sizes: 1..=100,
    usual: 50,
    errors: ("ValidationException", "ValidationException"),
};
const TYPES: [&str; 6] = [
    "ACCOUNT",
    "ORGANIZATION",
    "ACCOUNT_UNUSED_ACCESS",
    "ORGANIZATION_UNUSED_ACCESS",
    "ACCOUNT_INTERNAL_ACCESS",
    "ORGANIZATION_INTERNAL_ACCESS",
];

/// `ListAnalyzers` by the query of the request.
pub(crate) fn list_analyzers(state: &State, region: &str, path: &str) -> Result<Value, ServiceError> {
    state.check_enabled(region)?;
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let query: Form = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let kind = query.get("type");
    if kind.is_some_and(|kind| !TYPES.contains(&kind.as_str())) {
        return Err(ServiceError::new(400, "ValidationException", "no such type of analyzer"));
    }
    let mut request = json!({"type": kind});
    if let Some(size) = query.get("maxResults") {
        request["maxResults"] = size.parse::<u64>().map_or(Value::Null, Value::from);
    }
    if let Some(token) = query.get("nextToken") {
        request["nextToken"] = json!(token);
    }
    let usual = [Analyzer { name: "external-access".into(), kind: "ACCOUNT".into(), status: "ACTIVE".into() }];
    let analyzers = state.story.baseline.analyzers.get(region).map_or(usual.as_slice(), Vec::as_slice);
    let analyzers = analyzers.iter().filter(|analyzer| kind.is_none_or(|kind| analyzer.kind == *kind));
    let analyzers = analyzers.map(|analyzer| {
        json!({
            "arn": format!("arn:aws:access-analyzer:{region}:{}:analyzer/{}", state.story.account, analyzer.name),
            "name": analyzer.name,
            "type": analyzer.kind,
            "createdAt": "2024-02-01T08:00:00Z",
            "status": analyzer.status
        })
    });
    ANALYZERS.of(state, &request, analyzers.collect())
}
