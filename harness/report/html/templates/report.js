// Reads out where figures come from and what operators do. The page says everything else without it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  // Theme: the system's, until the reader says otherwise.
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Provenance of a figure.
  const dialog = document.getElementById("provenance");
  const list = dialog.querySelector("dl");
  const entry = (name, value, code) => {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    const holder = code ? text.appendChild(document.createElement("code")) : text;
    holder.textContent = value;
    list.append(term, text);
  };
  const said = (value) =>
    value !== null && typeof value === "object"
      ? Object.entries(value).map(([name, part]) => `${name} ${part}`).join("\n")
      : String(value);
  const show = (key) => {
    const [name, where, value, unit, evidence, note, identity] = data.figures[key];
    dialog.querySelector("h2").textContent = name;
    list.replaceChildren();
    entry("of", where);
    entry("value", unit === "name" || unit === "bool" ? String(value) : `${value} ${unit}`);
    entry("evidence", `${evidence}: ${data.evidence[evidence] || ""}`);
    if (note) entry("note", note);
    for (const [part, content] of Object.entries(data.identities[identity])) entry(part, said(content), typeof content === "string");
    entry("run", `${data.run.id}, started ${data.run.started}`);
    entry("commit", data.run.commit + (data.run.dirty ? ", with local changes" : ""), true);
    entry("command", data.run.command, true);
    dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const figure = event.target.closest("[data-figure]");
    if (figure) show(Number(figure.dataset.figure));
    else if (event.target === dialog) dialog.close();
  });

  // Networks: one readout per operator, by mouse, finger or arrow keys.
  const places = ["executed", "fused", "elided", "cpu"];
  const number = new Intl.NumberFormat("en");
  const operator = (net, i) => {
    const parts = [`#${i} ${net.kinds[net.kind[i]]}`, places[net.where[i]]];
    if (net.macs[i]) parts.push(`${number.format(net.macs[i])} MACs`);
    if (net.cycles && net.cycles[i]) {
      const share = (100 * net.cycles[i]) / net.total;
      const waits = net.compute ? 1 - net.compute[i] / net.cycles[i] : 0;
      parts.push(`${number.format(net.cycles[i])} cycles by Vela, ${share.toFixed(1)} %${waits > 0.01 ? `, ${Math.round(100 * waits)} % of them waiting for memory` : ""}`);
    }
    if (net.ours && net.ours[i]) parts.push(`ours ${number.format(net.ours[i])} cycles, bound by ${net.bounds[net.bound[i]]}`);
    if (net.staging && net.staging[i]) parts.push(`${(net.staging[i] / 2 ** 20).toFixed(2)} MiB staged`);
    if (net.reason[i]) parts.push(net.reason[i]);
    return [parts.join(" · "), net.name[i]];
  };
  for (const strip of all(".strip")) {
    const net = data.networks[strip.dataset.network];
    const readout = strip.parentElement.querySelector(".readout");
    const cursor = strip.querySelector(".cursor");
    net.total = net.cycles ? net.cycles.reduce((sum, cycles) => sum + cycles, 0) : 0;
    const count = net.kind.length;
    let at = 0;
    const go = (i) => {
      at = clamp(i, 0, count - 1);
      const [text, name] = operator(net, at);
      readout.replaceChildren(Object.assign(document.createElement("b"), { textContent: text }), " ", Object.assign(document.createElement("small"), { textContent: name }));
      cursor.hidden = false;
      cursor.style.left = `${(100 * (at + 0.5)) / count}%`;
      strip.setAttribute("aria-valuenow", at + 1);
      strip.setAttribute("aria-valuetext", text);
    };
    strip.addEventListener("pointermove", (event) => {
      const box = strip.getBoundingClientRect();
      go(Math.floor((count * (event.clientX - box.left)) / box.width));
    });
    strip.addEventListener("focus", () => go(at));
    strip.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowUp: at + 1, ArrowDown: at - 1, PageUp: at + 10, PageDown: at - 10, Home: 0, End: count - 1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      go(steps[event.key]);
    });
  }
  for (const button of all(".tabs button"))
    button.addEventListener("click", () => {
      for (const other of all(".tabs button")) other.setAttribute("aria-pressed", String(other === button));
      for (const net of all(".net")) net.hidden = net.dataset.profile !== button.dataset.profile;
    });

  // Charts: a mark's description, beside the mouse.
  const tip = document.getElementById("tip");
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest && event.target.closest(".chart [aria-roledescription][aria-label]");
    const text = mark && mark.getAttribute("role") === "graphics-symbol" ? mark.getAttribute("aria-label") : "";
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    tip.style.left = `${clamp(event.clientX + 12, 4, innerWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${clamp(event.clientY + 14, 4, innerHeight - tip.offsetHeight - 4)}px`;
  });
  addEventListener("beforeprint", () => { for (const details of all("details")) details.open = true; });
})();
