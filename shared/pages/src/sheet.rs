//! A table that a spreadsheet can open without running anything (<https://owasp.org/www-community/attacks/CSV_Injection>).

use csv::{QuoteStyle, Terminator, WriterBuilder};
use facts::text;

/// A table as in RFC 4180, every cell in quotes; cells of `rows` are made [`harmless`].
///
/// # Errors
/// When the writer refuses a row, as one that has another number of cells than the head: why.
pub fn write<'a>(
    head: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<String, String> {
    let mut writer =
        WriterBuilder::new().quote_style(QuoteStyle::Always).terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(head).map_err(|error| error.to_string())?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(|error| error.to_string())?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// One line: what is not printed, or is no character, becomes a space.
pub fn plain(text: &str) -> String {
    let printed = |char: char| if text::is_unprintable(char) || is_noncharacter(char) { ' ' } else { char };
    text.chars().map(printed).collect::<String>().trim().to_owned()
}

/// What Unicode keeps free for ever, and XML takes in part only (<https://www.w3.org/TR/xml/#charsets>).
pub fn is_noncharacter(char: char) -> bool {
    let code = u32::from(char);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

/// What no spreadsheet takes for a formula: `'` stands before what would begin one, also after what a spreadsheet in
/// another language takes for the end of a cell. One line.
pub fn harmless(cell: &str) -> String {
    let mut safe = String::with_capacity(cell.len());
    let mut begins = true;
    for char in plain(cell).chars() {
        if begins && is_of_a_formula(char) {
            safe.push('\'');
        }
        safe.push(char);
        begins = matches!(char, ',' | ';' | '"' | '|') || (begins && char.is_whitespace());
    }
    safe
}

/// Also in full width, which is read likewise.
fn is_of_a_formula(char: char) -> bool {
    matches!(char, '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_formula_stays_as_it_is() {
        for text in ["alice@example.com", "a-b", "1+1=2", "'", "minimum length 8 (at least 14)", "x = y"] {
            assert_eq!(harmless(text), text);
        }
        assert_eq!(harmless("=1"), "'=1");
        assert_eq!(harmless(" \u{ff1d}1, -2; a-b"), "'\u{ff1d}1, '-2; a-b");
    }

    #[test]
    fn a_row_of_another_width_is_an_error() {
        assert!(write(["a", "b"], [vec!["1".into()]]).is_err());
        assert_eq!(write(["a"], [vec!["=1\n2".into()]]).as_deref(), Ok("\"a\"\r\n\"'=1 2\"\r\n"));
    }
}
