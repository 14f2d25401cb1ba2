"use strict";
// What the pages' scripts share. A page is complete without them. Texts enter it by textContent alone.
const shared = (() => {
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

  const untrusted = (text) => make("bdi", text || "(empty)");

  // A page that is not renewed any more cannot know it: the script looks at the clock when the page is opened.
  const aged = (most, words) => {
    const taken = document.getElementById("taken");
    if (!taken) return;
    const minutes = Math.floor((Date.now() - Date.parse(taken.dateTime)) / 60000);
    if (minutes >= 0) document.getElementById("age").textContent = age(minutes) + " old; ";
    if (minutes > most) {
      const said = make("p", words(age(minutes)), "notice");
      said.id = "old";
      said.setAttribute("role", "status");
      document.getElementById("main").prepend(said);
    }
  };

  // A table that is found through, sorted and turned in pages.
  const enliven = (root, records, isShown = () => true) => {
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
      kept = records.filter((record) => isShown(record)
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

  return { make, number, age, untrusted, aged, enliven };
})();
