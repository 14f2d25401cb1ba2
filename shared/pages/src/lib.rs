//! What the pages share: one self-contained file each, from a phone to a printout.
//!
//! # Layout
//! - [`Document`]: the file around a page's body, with the policy under which nothing is loaded and no style or script runs but its own;
//! - [`words`]: times, ages, counts, badges, signs and untrusted text;
//! - [`sheet`]: a table for a spreadsheet, of which no cell is run;
//! - `style.css` is the look of all pages, `script.js` what their scripts share.
//!
//! All text passes through maud, which escapes it; untrusted text is in `<bdi>`, so that it cannot turn its neighbours around.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

pub mod sheet;
pub mod words;

/// The look of all pages.
pub const STYLE: &str = include_str!("style.css");
/// What the scripts of all pages share: it defines `shared`.
pub const SCRIPT: &str = include_str!("script.js");

/// The file around a page.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Its title. May quote.
    pub title: &'a str,
    /// What the page adds to [`STYLE`].
    pub style: &'a str,
    /// What the page adds to [`SCRIPT`].
    pub script: &'a str,
}

impl Document<'_> {
    /// The file with this `body`.
    pub fn around(&self, body: &Markup) -> String {
        let (style, script) = (format!("{STYLE}{}", self.style), format!("{SCRIPT}{}", self.script));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy(&style, &script));
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // The page's own address may be a presigned one, which is a key to it.
                    meta name="referrer" content="no-referrer";
                    meta name="color-scheme" content="light dark";
                    // Without it a browser would request one.
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(&style)) }
                }
                body { (body) script { (PreEscaped(&script)) } }
            }
        };
        page.into_string()
    }
}

/// Data for a page's script: JSON in which nothing ends the element that holds it.
pub fn data(json: &str) -> PreEscaped<String> {
    // In JSON these are in strings alone, where an escape stands for the same.
    PreEscaped(json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

/// Nothing is loaded from anywhere, and no style or script runs but ours.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_style_and_the_script_by_their_hashes_and_nothing_else() {
        let (style, script) = (format!("{STYLE}p {{ margin: 0; }}"), format!("{SCRIPT}shared.aged(1, String);"));
        let document = Document { title: "<b>", style: "p { margin: 0; }", script: "shared.aged(1, String);" };
        let page = document.around(&html! { p { "<b>" } });
        for (tag, content) in [("style", style), ("script", script)] {
            assert!(page.contains(&format!("<{tag}>{content}</{tag}>")), "{tag}");
            let hash = STANDARD.encode(Sha256::digest(content.as_bytes()));
            assert!(page.contains(&format!("{tag}-src 'sha256-{hash}'")), "{tag}");
        }
        assert!(page.contains("content=\"default-src 'none'; ") && !page.contains("unsafe"));
        assert_eq!(page.matches("<style").count() + page.matches("<script>").count(), 2);
        assert!(!page.contains("<b>") && page.contains("<title>&lt;b&gt;</title>"));
    }

    #[test]
    fn data_ends_no_element_and_the_scripts_take_no_text_for_markup() {
        assert_eq!(data("[\"</script>\u{2028}\"]").0, "[\"\\u003c/script>\\u2028\"]");
        for markup in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("] {
            assert!(!SCRIPT.contains(markup), "{markup}");
        }
    }
}
