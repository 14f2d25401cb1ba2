use facts::verdict::Evidence;

/// Most things that are named in evidence; the others are counted.
const MAX_NAMED: usize = 20;

/// `evidence` of many things of one source: the first 20, and how many `further` ones there are.
pub(super) fn named(mut evidence: Vec<Evidence>, further: &str) -> Vec<Evidence> {
    let more = evidence.len().saturating_sub(MAX_NAMED);
    if let Some(first) = evidence.first().filter(|_| more > 0).cloned() {
        evidence.truncate(MAX_NAMED);
        evidence.push(Evidence { fact: further.into(), value: more.to_string(), ..first });
    }
    evidence
}
