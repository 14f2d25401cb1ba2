//! Patterns of policies.

use super::ARN_FIELDS;

/// Whether `text` is what `pattern` says, in which `*` is any text and `?` any one character.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when what follows the last star does not fit: the star takes one character more.
    let mut last_star = None;
    loop {
        let before = text.clone();
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                text = before;
                last_star = Some((pattern.clone(), text.clone()));
            }
            (Some(wanted), Some(char)) if wanted == '?' || wanted == char => {}
            (None, None) => return true,
            _ => {
                let Some((after, mut from)) = last_star.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), from.clone());
                last_star = Some((after, from));
            }
        }
    }
}

/// As [`glob`], of ARNs: no `*` reaches across one of the first five colons.
pub(super) fn glob_by_field(pattern: &str, arn: &str) -> bool {
    let fields = || pattern.splitn(ARN_FIELDS, ':').zip(arn.splitn(ARN_FIELDS, ':'));
    fields().count() == ARN_FIELDS && fields().all(|(pattern, text)| glob(pattern, text))
}

pub(super) fn is_stars(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'*')
}

/// `pattern` with a text of its own for what is left open.
pub(super) fn instance(pattern: &str) -> String {
    pattern.replace('*', "0q").replace('?', "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_far_as_its_stars_and_marks_reach() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a?c", "ac", false),
            ("a**?c", "abbc", true),
            ("*b", "abc", false),
            ("*b*b", "abcb", true),
            ("*ab", "aab", true),
            ("*ab*b", "aab", false),
            ("ä?", "äö", true),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
        let arn = "arn:aws:iam::111122223333:root";
        assert!(!glob(&"*a".repeat(5_000), arn), "a long pattern takes no long time");
        assert!(glob_by_field("arn:*:iam::*:root", arn) && !glob_by_field("*:root", arn));
        assert!(glob("iam:*pass?ole", &instance("iam:*pass?ole")));
    }
}
