//! Times as people read them: one form in every message, `2026-11-28 11:13:18 UTC (9 min ago)`.

use jiff::{SignedDuration, Timestamp};

/// How many characters `2026-11-28 11:13:18 UTC` has.
const LENGTH: usize = 23;

pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// With its age, where it has one.
pub(super) fn stamp(at: Timestamp, now: Timestamp) -> String {
    let old = now.duration_since(at);
    match () {
        () if old < SignedDuration::ZERO => moment(at),
        () if old < SignedDuration::from_mins(1) => format!("{} (just now)", moment(at)),
        () => format!("{} ({} ago)", moment(at), age(old)),
    }
}

pub(super) fn stamp_of(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| "time not recorded".into(), |at| stamp(at, now))
}

pub(super) fn age(age: SignedDuration) -> String {
    let minutes = age.as_mins().max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "less than a minute".into(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

pub(super) fn span(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => stamp(from, now),
        (Some(from), Some(to)) => format!("from {} to {}", moment(from), stamp(to, now)),
        _ => "time not recorded".into(),
    }
}

/// `text` in which a time as programs write it is one as people read it: of two forms in one message, one is too many.
pub(super) fn plain(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let core = word.trim_end_matches([',', ';', '.', ':', ')']);
            match core.parse::<Timestamp>() {
                Ok(at) => format!("{}{}", moment(at), word.strip_prefix(core).unwrap_or_default()),
                Err(_) => word.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// `text` in Slack's markup in which every time is shown in the reader's own zone
/// (<https://docs.slack.dev/messaging/formatting-message-text#date-formatting>). In a code span nothing is marked up, so it stays there.
pub(super) fn in_the_readers_zone(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(number, part)| if number % 2 == 0 { dated(part) } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join("`")
}

fn dated(text: &str) -> String {
    let mut dated = String::new();
    let mut rest = text;
    while let Some(end) = rest.find(" UTC").map(|at| at + " UTC".len()) {
        let (head, tail) = rest.split_at(end);
        let start = head.len().checked_sub(LENGTH).filter(|start| head.is_char_boundary(*start));
        let time = start.map(|start| head.split_at(start));
        match time.and_then(|(before, time)| Some((before, time, parsed(time)?))) {
            Some((before, time, at)) => {
                dated.push_str(before);
                dated.push_str(&format!("<!date^{}^{{date_short_pretty}} {{time_secs}}|{time}>", at.as_second()));
            }
            None => dated.push_str(head),
        }
        rest = tail;
    }
    dated + rest
}

fn parsed(time: &str) -> Option<Timestamp> {
    let (day, clock) = time.strip_suffix(" UTC")?.split_once(' ')?;
    format!("{day}T{clock}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_has_its_age_and_one_that_is_to_come_has_none() {
        let now = at("2026-11-28T11:22:18Z");
        assert_eq!(stamp(at("2026-11-28T11:13:18Z"), now), "2026-11-28 11:13:18 UTC (9 min ago)");
        assert_eq!(stamp(at("2026-11-28T11:22:10Z"), now), "2026-11-28 11:22:10 UTC (just now)");
        assert_eq!(stamp(at("2026-11-28T12:00:00Z"), now), "2026-11-28 12:00:00 UTC");
    }

    #[test]
    fn a_time_as_programs_write_it_is_shown_as_people_read_it() {
        assert_eq!(
            plain("Root was used at 2026-11-20T09:15:31Z, within the last day"),
            "Root was used at 2026-11-20 09:15:31 UTC, within the last day"
        );
        assert_eq!(plain("entry 2: `control` is 1.4"), "entry 2: `control` is 1.4");
    }

    #[test]
    fn slack_shows_times_in_the_readers_zone_but_not_in_code() {
        let token = "<!date^1795864398^{date_short_pretty} {time_secs}|2026-11-28 11:13:18 UTC>";
        assert_eq!(in_the_readers_zone("at 2026-11-28 11:13:18 UTC (9 min ago)"), format!("at {token} (9 min ago)"));
        let code = "`2026-11-28 11:13:18 UTC` ä UTC, 99-99-9999 11:13:18 UTC";
        assert_eq!(in_the_readers_zone(code), code);
    }
}
