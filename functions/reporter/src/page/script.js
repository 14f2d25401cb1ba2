"use strict";
// The page is complete without this script: it sorts, filters and pages tables, copies commands and shows tips.
// Texts enter the page by textContent alone.
(() => {
  const counted = (count, framework) => number(count) + (framework ? " requirements" : " controls");
  const make = (name, text = "", className = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const number = (count) => count.toLocaleString("en-US");
  // As `age` in words.rs.
  const age = (minutes) => {
    minutes = Math.max(minutes, 0);
    if (minutes >= 2880) return number(Math.floor(minutes / 1440)) + " days";
    return minutes >= 60 ? Math.floor(minutes / 60) + " h " + (minutes % 60) + " min" : minutes ? minutes + " min" : "less than a minute";
  };
  document.documentElement.classList.add("js");

  // A page that is not renewed any more cannot know it: the script looks at the clock when the page is opened.
  const taken = document.getElementById("taken");
  if (taken) {
    const minutes = Math.floor((Date.now() - Date.parse(taken.dateTime)) / 60000);
    if (minutes >= 0) document.getElementById("age").textContent = age(minutes) + " old; ";
    if (minutes > 180) {
      const said = make("p", "This report is " + age(minutes) + " old. Download the page again. If it is still old, newer reports are missing: see the log of the checker and of the reporter.", "notice");
      said.id = "old";
      said.setAttribute("role", "status");
      document.getElementById("main").prepend(said);
    }
  }

  // Users come as data: see `data` in users.rs, and `row` there for the same words.
  const day = (days) => new Date(days * 86400000).toISOString().slice(0, 10);
  const untrusted = (text) => make("bdi", text || "(empty)");
  const word = (value, yes, no) => (value === null ? "unknown" : value ? yes : no);
  const listed = (cell, known, [count, places]) => {
    if (count === 0) cell.append("none");
    places.forEach((place, at) => cell.append(at > 0 ? ", " : "", untrusted(known[place])));
    if (count > places.length) cell.append(", and " + (count - places.length) + " more");
  };
  const usersOf = (data) => data.users.map(([name, mfa, password, used, keys, groups, controls, tags]) => {
    const names = (known, list) => (list ? list[1].map((place) => known[place]) : []);
    const texts = {
      mfa: word(mfa, "yes", "no"),
      password: password === 0 ? "no password" : used !== null ? day(used) : password ? "never" : "unknown",
      keys: !keys ? ["unknown"] : !keys.length ? ["none"] : keys.map(([active, made, last]) => word(active, "active", "inactive")
        + (made === null ? "" : ", " + age(made) + " old") + ", " + (last === null ? "never used" : "used " + day(last))),
    };
    const made = (keys || []).map((key) => key[1]).filter((at) => at !== null);
    return {
      tags: data.tags.filter((_, bit) => tags & (1 << bit)),
      text: [name, texts.mfa, texts.password, ...texts.keys, ...names(data.groups, groups), ...names(data.controls, controls)].join(" ").toLowerCase(),
      keys: [name.toLowerCase(), texts.mfa, used === null ? -1 : used, made.length ? Math.max(...made) : -1,
        names(data.groups, groups).join(" ").toLowerCase(), controls[0]],
      row() {
        const row = make("tr");
        const head = make("th");
        head.scope = "row";
        head.append(untrusted(name));
        const cells = [make("td", texts.mfa), make("td", texts.password), make("td"), make("td"), make("td")];
        texts.keys.forEach((text) => cells[2].append(make("div", text)));
        if (groups) listed(cells[3], data.groups, groups);
        else cells[3].append("unknown");
        listed(cells[4], data.controls, controls);
        row.append(head, ...cells);
        return row;
      },
    };
  });

  // Root activity is in the page already.
  const services = document.getElementById("services");
  const activityOf = (rows) => rows.map((row) => ({
    tags: row.dataset.tags.split(" "),
    text: row.textContent.toLowerCase(),
    keys: [...row.cells].map((cell) => ("key" in cell.dataset ? Number(cell.dataset.key) : cell.textContent.toLowerCase())),
    isService: row.classList.contains("service"),
    id: row.id,
    row: () => row,
  }));

  const enliven = (root, records) => {
    const body = root.querySelector("tbody");
    const [find, tag, shown, page] = [".find", ".tag", ".shown", ".page"].map((name) => root.querySelector(name));
    const [back, forth, pages] = [".back", ".forth", ".pages"].map((name) => root.querySelector(name));
    const [usual, paper] = [Number(root.dataset.size), Number(root.dataset.paper)];
    let [size, at, column, falling, kept] = [usual, 0, -1, false, records];
    const show = () => {
      const last = Math.max(Math.ceil(kept.length / size) - 1, 0);
      at = Math.min(at, last);
      const rows = kept.slice(at * size, (at + 1) * size).map((record) => record.row());
      body.replaceChildren(...rows);
      shown.textContent = kept.length === records.length ? number(records.length) + " in total" : number(kept.length) + " of " + number(records.length);
      page.textContent = "Page " + (at + 1) + " of " + (last + 1);
      pages.hidden = last === 0;
      back.disabled = at === 0;
      forth.disabled = at === last;
    };
    const choose = () => {
      // Paper shows a filter only where it is set.
      [find, tag].forEach((input) => input.parentElement.classList.toggle("idle", !input.value));
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      kept = records.filter((record) => (!record.isService || services?.checked)
        && (!tag.value || record.tags.includes(tag.value)) && words.every((text) => record.text.includes(text)));
      if (column >= 0) {
        const order = (a, b) => (typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0);
        kept.sort((a, b) => order(a.keys[column], b.keys[column]) * (falling ? -1 : 1));
      }
      at = 0;
      show();
    };
    const heads = [...root.querySelectorAll("thead th")];
    heads.forEach((head, place) => {
      const button = make("button", head.textContent);
      button.type = "button";
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        falling = column === place && !falling;
        column = place;
        heads.forEach((other) => other.setAttribute("aria-sort", other !== head ? "none" : falling ? "descending" : "ascending"));
        choose();
      });
    });
    find.addEventListener("input", choose);
    tag.addEventListener("change", choose);
    back.addEventListener("click", () => { at -= 1; show(); });
    forth.addEventListener("click", () => { at += 1; show(); });
    // Paper shows the first rows, and of how many.
    addEventListener("beforeprint", () => { size = paper; at = 0; show(); });
    addEventListener("afterprint", () => { size = usual; show(); });
    root.querySelector(".tools").hidden = false;
    choose();
    return {
      choose,
      reveal(id) {
        const place = () => kept.findIndex((record) => record.id === id);
        if (place() < 0) {
          [find.value, tag.value] = ["", ""];
          choose();
        }
        if (place() < 0) return;
        at = Math.floor(place() / size);
        show();
        const row = document.getElementById(id);
        body.querySelectorAll(".found").forEach((other) => other.classList.remove("found"));
        row.classList.add("found");
        row.tabIndex = -1;
        row.focus({ preventScroll: true });
        row.scrollIntoView({ block: "center" });
      },
    };
  };

  const tables = {};
  document.querySelectorAll("[data-table]").forEach((root) => {
    const records = root.dataset.table === "users"
      ? usersOf(JSON.parse(document.getElementById("users-data").textContent))
      : activityOf([...root.querySelectorAll("tbody tr")]);
    tables[root.dataset.table] = enliven(root, records);
  });

  // Marks: one stop for the Tab key, arrows between them; a tip that also a keyboard and a finger get.
  const marks = [...document.querySelectorAll("a.mark")];
  const tip = make("p");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  let pointed = null;
  const say = (mark, text) => {
    tip.textContent = text;
    tip.hidden = false;
    pointed = mark;
    follow();
  };
  const follow = () => {
    if (tip.hidden) return;
    const [place, own] = [pointed.getBoundingClientRect(), tip.getBoundingClientRect()];
    const left = Math.min(Math.max(place.left + place.width / 2 - own.width / 2, 8), innerWidth - own.width - 8);
    const above = place.top - own.height - 8;
    tip.style.left = Math.max(left, 8) + "px";
    tip.style.top = (above > 8 ? above : place.bottom + 8) + "px";
  };
  // The newest marks are at the right; a narrow screen shows them first.
  document.querySelectorAll(".drawing").forEach((drawing) => { drawing.scrollLeft = drawing.scrollWidth; });
  const visible = () => marks.filter((mark) => services?.checked || !mark.classList.contains("informational"));
  const rove = () => {
    const first = visible()[0];
    marks.forEach((mark) => mark.setAttribute("tabindex", mark === first ? "0" : "-1"));
  };
  marks.forEach((mark) => {
    const title = mark.querySelector("title");
    const text = title.textContent;
    title.remove();
    mark.setAttribute("aria-label", text);
    ["mouseenter", "focus"].forEach((name) => mark.addEventListener(name, () => say(mark, text)));
    ["mouseleave", "blur"].forEach((name) => mark.addEventListener(name, () => { tip.hidden = true; }));
    mark.addEventListener("click", (event) => {
      const id = mark.getAttribute("href").slice(1);
      if (!id.startsWith("action-")) return;
      event.preventDefault();
      tables.activity.reveal(id);
    });
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowRight: -1, ArrowDown: -1, ArrowLeft: 1, ArrowUp: 1 }[event.key];
      if (event.key === "Escape") tip.hidden = true;
      if (!step) return;
      event.preventDefault();
      // They stand newest first; to the right is newer.
      const all = visible();
      const next = all[all.indexOf(mark) + step];
      if (!next) return;
      mark.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
  // Focus scrolls a mark into view: the tip goes with it.
  addEventListener("scroll", follow, { passive: true, capture: true });
  services?.addEventListener("change", () => { tables.activity.choose(); rove(); });
  rove();

  const aloud = make("p", "", "hidden");
  aloud.setAttribute("role", "status");
  document.body.append(aloud);
  document.querySelectorAll(".command").forEach((command) => {
    const button = make("button", "Copy");
    button.type = "button";
    const text = command.querySelector("code").textContent;
    button.setAttribute("aria-label", "Copy: " + text);
    button.addEventListener("click", () => {
      const done = (word) => {
        button.textContent = word;
        button.setAttribute("aria-label", word + ": " + text);
        aloud.textContent = word;
      };
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => done("Copied"), () => done("Not allowed"));
      else done("Not allowed");
    });
    command.append(button);
  });

  // How many controls the filters leave; the style sheet does the work.
  const chosen = document.querySelector(".filters .chosen");
  const filters = [...document.querySelectorAll(".filters select")];
  const usual = chosen?.textContent;
  filters.forEach((filter) => filter.addEventListener("change", () => {
    const [status, severity, framework] = filters.map((select) => select.value);
    const rows = [...document.querySelectorAll(`.controls tbody[data-framework="${framework}"] tr`)];
    const left = rows.filter((row) => (!status || row.dataset.status === status) && (!severity || row.dataset.severity === severity));
    chosen.textContent = filters.some((select) => select.value) ? number(left.length) + " of " + counted(rows.length, framework) : usual;
  }));
})();
