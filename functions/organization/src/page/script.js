// The page is complete without this script for accounts that want attention: it searches, filters and sorts all.
(() => {
  const { make, number, untrusted, aged, enliven } = shared;
  aged(Number(document.getElementById("main").dataset.old), (old) => "This audit is " + old + " old. Download the page again. If it is still old, no run has concluded since, or a fault of the organization stops each: read the last message of the organization.");

  const root = document.querySelector("[data-table=accounts]");
  if (!root) return;
  // See `data` in accounts.rs, and `row` there for the same words.
  const data = JSON.parse(document.getElementById("accounts-data").textContent);
  const [FAILED, UNKNOWN, REFUSED, NOT_LOOKED_AT, ROLE, SUPPRESSED, , , SKIPPED] = data.looks.map((_, place) => place);
  const iso = (seconds) => new Date(seconds * 1000).toISOString();
  const moment = (seconds) => iso(seconds).slice(0, 19).replace("T", " ") + " UTC";
  const look = (place) => make("span", data.looks[place][1], "look " + data.looks[place][0]);
  const more = (...parts) => {
    const span = make("span", "", "more");
    span.append(...parts);
    return span;
  };
  // As `coded` in page.rs.
  const coded = (text) => text.split("`").map((part, place) => (place % 2 ? make("code", part) : part));

  const record = ([id, name, unit, state, result, ago, flat, unknown, count]) => {
    const steps = typeof result === "string" ? [...result].map(Number) : null;
    const [whole, said, fix] = steps ? [null, "", null] : data.whys[result];
    const open = [];
    for (let at = 0; at < flat.length; at += 3) open.push([data.controls[flat[at]], flat[at + 1], flat[at + 2]]);
    const path = data.paths[unit] || "(unit not known)";
    const has = (place) => (steps ? steps.includes(place) : whole === place);
    const tags = [];
    if (count > 0 || has(FAILED)) tags.push("failing");
    if (has(REFUSED) || has(NOT_LOOKED_AT)) tags.push("missed");
    if (unknown > 0 || has(UNKNOWN)) tags.push("unknown");
    if (has(SUPPRESSED)) tags.push("suppressed");
    if (has(ROLE)) tags.push("role");
    if (has(SKIPPED)) tags.push("skipped");
    const words = steps ? steps.map((place) => data.looks[place][1]) : [data.looks[whole][1], said];
    const worst = open.length ? Math.max(...open.map(([, severity]) => severity)) : -1;
    return {
      tags,
      text: [id, name, path, data.states[state], ...words, ...open.map(([control, severity]) => control + " " + data.severities[severity][1])].join(" ").toLowerCase(),
      keys: [(name || id).toLowerCase(), data.states[state].toLowerCase(), ...(steps || Array(5).fill(whole)), worst * 1000 + count, ago === null ? -Infinity : data.started - ago],
      row() {
        const row = make("tr", "", steps ? "" : "whole");
        const head = make("th");
        head.scope = "row";
        head.append(untrusted(name), more(id), more(make("bdi", path)));
        const cells = [make("td", data.states[state])];
        if (steps) {
          steps.forEach((place) => {
            const cell = make("td");
            cell.append(look(place));
            cells.push(cell);
          });
        } else {
          const cell = make("td");
          cell.colSpan = 5;
          cell.append(look(whole), more(...coded(said)));
          if (fix) cell.append(more("Fix: ", ...coded(fix)));
          cells.push(cell);
        }
        const found = make("td");
        open.forEach(([control, severity, day]) => {
          const line = make("div");
          const [rank, word] = data.severities[severity];
          line.append(make("span", word, "badge " + rank), " ", untrusted(control), " ", make("span", "since " + iso(day * 86400).slice(0, 10), "nowrap"));
          found.append(line);
        });
        if (count > open.length) found.append(make("div", "and " + number(count - open.length) + " more"));
        if (!steps) found.append(whole === SKIPPED ? "not audited" : "unknown");
        else if (!count) found.append(make("div", "none"));
        if (unknown > 0) found.append(make("div", number(unknown) + (unknown === 1 ? " control unknown" : " controls unknown")));
        const last = make("td");
        if (ago === null) last.append(whole === SKIPPED ? "not audited" : "never");
        else {
          const time = make("time", moment(data.started - ago));
          time.dateTime = iso(data.started - ago);
          last.append(time);
        }
        row.append(head, ...cells, found, last);
        return row;
      },
    };
  };
  enliven(root, data.accounts.map(record));
})();
