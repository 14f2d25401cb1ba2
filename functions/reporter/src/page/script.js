// The page is complete without this script: it sorts, filters and pages tables, copies commands and shows tips.
(() => {
  const { make, number, age, untrusted, aged, enliven } = shared;
  const counted = (count, framework) => number(count) + (framework ? " requirements" : " controls");
  aged(180, (old) => "This report is " + old + " old. Download the page again. If it is still old, newer reports are missing: see the log of the checker and of the reporter.");

  // Users come as data: see `data` in users.rs, and `row` there for the same words.
  const day = (days) => new Date(days * 86400000).toISOString().slice(0, 10);
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

  const tables = {};
  document.querySelectorAll("[data-table]").forEach((root) => {
    const records = root.dataset.table === "users"
      ? usersOf(JSON.parse(document.getElementById("users-data").textContent))
      : activityOf([...root.querySelectorAll("tbody tr")]);
    tables[root.dataset.table] = enliven(root, records, (record) => !record.isService || services?.checked);
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
