"use strict";
// Without this script the page says the same: it adds the theme, the search and the arrow keys.
(() => {
  const root = document.documentElement;
  const themes = ["system", "light", "dark"];
  const button = document.getElementById("theme");
  const label = document.getElementById("theme-name");
  const remembered = () => {
    try { return localStorage.getItem("waypost-theme"); } catch { return null; }
  };
  const remember = (theme) => {
    try { localStorage.setItem("waypost-theme", theme); } catch { /* the browser keeps nothing */ }
  };
  const show = (theme) => {
    if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
    label.textContent = theme === "system" ? "Theme: as the system" : `Theme: ${theme}`;
  };
  let theme = themes.includes(remembered()) ? remembered() : "system";
  show(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    remember(theme);
    show(theme);
  });

  // a link to a change opens it
  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();

  for (const section of document.querySelectorAll(".changes")) {
    const tools = section.querySelector(".tools");
    const search = section.querySelector(".search");
    const output = section.querySelector(".shown");
    const nothing = section.querySelector(".nothing");
    const kinds = [...section.querySelectorAll(".kinds input")];
    const changes = [...section.querySelectorAll(".change")];
    const visible = () => changes.filter((change) => !change.hidden);
    const texts = new Map();
    const text = (change) => {
      if (!texts.has(change)) texts.set(change, change.textContent.toLowerCase());
      return texts.get(change);
    };
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = new Set(kinds.filter((kind) => kind.checked).map((kind) => kind.value));
      let count = 0;
      for (const change of changes) {
        const fits = wanted.has(change.dataset.kind) && words.every((word) => text(change).includes(word));
        change.hidden = !fits;
        if (fits) count += 1;
      }
      output.textContent = count === changes.length ? `${count} shown` : `${count} of ${changes.length} shown`;
      nothing.hidden = count > 0;
    };
    let later = 0;
    search.addEventListener("input", () => {
      clearTimeout(later);
      later = setTimeout(filter, 80);
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && search.value) {
        search.value = "";
        filter();
        event.preventDefault();
      }
      if (event.key === "ArrowDown" && visible().length) {
        visible()[0].querySelector("summary").focus();
        event.preventDefault();
      }
    });
    tools.addEventListener("submit", (event) => event.preventDefault());
    for (const kind of kinds) kind.addEventListener("change", filter);
    section.querySelector(".open-all").addEventListener("click", () => visible().forEach((change) => { change.open = true; }));
    section.querySelector(".close-all").addEventListener("click", () => changes.forEach((change) => { change.open = false; }));
    section.querySelector(".list").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || event.target.tagName !== "SUMMARY") return;
      const summaries = visible().map((change) => change.querySelector("summary"));
      const next = summaries[summaries.indexOf(event.target) + step] ?? (step < 0 ? search : null);
      if (next) {
        next.focus();
        event.preventDefault();
      }
    });
    tools.hidden = false;
    filter();
  }
})();
