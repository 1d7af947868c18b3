// Limits, heat map, plot and table of an exploration. Without it the page shows every cell as a table.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const make = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const { columns, cells, notes, limits } = data;
  const NUMBER = 0, TEXT = 1, EVIDENCE = 2, NOTE = 3;
  const MISSING = Infinity;
  const byKey = new Map(cells.map((cell) => [cell.key, cell]));
  const columnAt = (key) => columns.findIndex((column) => column.key === key);
  const short = (npu) => npu.replace("ethos-", "");

  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // What is chosen lives in the address: a link shows the same.
  const sections = new Set(all("section[id]").map((section) => section.id));
  const read = () => {
    const text = location.hash.slice(1);
    return sections.has(text) || text === "main" ? new URLSearchParams(kept) : new URLSearchParams(text);
  };
  let kept = "";
  let state = read();
  const choose = (changes) => {
    for (const [name, value] of Object.entries(changes)) value === "" || value === null ? state.delete(name) : state.set(name, value);
    kept = state.toString();
    history.replaceState(null, "", kept ? `#${kept}` : location.pathname + location.search);
    draw();
  };

  // Limits: the figures that there are and the limit of the command, from "no limit" on. `word` is the terminal's.
  const GOALS = [
    { name: "latency", title: "Latency", word: "latency", scale: 1e-3, unit: "ms", sign: 1 },
    { name: "map", title: "mAP50-95", word: "mAP", scale: 1, unit: "", sign: -1 },
    { name: "sram", title: "SRAM", word: "SRAM", scale: 1 / 1024, unit: "KiB", sign: 1 },
    { name: "flash", title: "Flash", word: "flash", scale: 1 / 1024, unit: "KiB", sign: 1 },
  ];
  const NO_LIMIT = "none";
  const said = (goal, value) => {
    const shown = value * goal.scale;
    return `${shown >= 100 ? Math.round(shown).toLocaleString("en") : Number(shown.toPrecision(3))} ${goal.unit}`.trim();
  };
  GOALS.forEach((goal, at) => {
    goal.given = limits[at];
    const found = [...new Set([...cells.map((cell) => cell.goals[at]), goal.given].filter((value) => value !== null))];
    goal.steps = found.sort((a, b) => goal.sign * (b - a)); // the most generous first
    if (goal.steps.length < 2 && goal.given === null) return;
    const row = Object.assign(document.createElement("label"), { className: "limit-row" });
    goal.slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: goal.steps.length, value: 0, name: goal.name });
    goal.output = document.createElement("output");
    row.append(make("span", goal.title), goal.slider, goal.output);
    byId("limits").insertBefore(row, byId("excluded"));
    goal.slider.addEventListener("input", () => {
      const step = Number(goal.slider.value);
      const limit = step ? goal.steps[step - 1] : null;
      choose({ [goal.name]: limit === goal.given ? "" : limit === null ? NO_LIMIT : String(limit) });
    });
  });
  byId("limits").addEventListener("submit", (event) => event.preventDefault());
  const limitOf = (goal) => {
    const asked = state.get(goal.name);
    if (asked === NO_LIMIT) return null;
    return asked && Number.isFinite(Number(asked)) ? Number(asked) : goal.given;
  };

  const matches = (cell) => {
    const words = (state.get("filter") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const text = `${cell.row} ${cell.npu} ${cell.weights} ${cell.failed}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const missed = (cell) => {
    if (cell.failed) return ["failure"];
    const found = GOALS.filter((goal, at) => {
      const limit = limitOf(goal);
      const value = cell.goals[at];
      return limit !== null && (value === null || goal.sign * value > goal.sign * limit);
    }).map((goal) => goal.word);
    return cell.fits === false ? [...found, "platform's memory"] : found;
  };
  const dearer = (one, other) =>
    one.cost[0] - other.cost[0] || one.cost[1] - other.cost[1] || (one.goals[0] ?? MISSING) - (other.goals[0] ?? MISSING) || 0;

  const drawAnswer = (meeting) => {
    for (const goal of GOALS.filter((goal) => goal.slider)) {
      const limit = limitOf(goal);
      const exact = goal.steps.indexOf(limit);
      const near = goal.steps.filter((value) => goal.sign * value >= goal.sign * limit).length;
      goal.slider.value = limit === null ? 0 : exact >= 0 ? exact + 1 : near;
      goal.output.textContent = limit === null ? "no limit" : `${goal.sign > 0 ? "≤" : "≥"} ${said(goal, limit)}`;
      goal.slider.setAttribute("aria-valuetext", goal.output.textContent);
    }
    const best = [...meeting].sort(dearer)[0];
    byId("cheapest").textContent = best ? best.npu : "None";
    const count = {};
    const asked = cells.filter(matches);
    for (const cell of asked) for (const why of missed(cell)) count[why] = (count[why] || 0) + 1;
    const excluded = Object.entries(count).sort((a, b) => b[1] - a[1]).map(([why, number]) => `${why} excludes ${number}`).join(", ");
    byId("meets").textContent = best ? `The cheapest NPU, with ${best.told}.` : `No cell of ${asked.length} holds the limits${excluded ? `: ${excluded}` : ""}.`;
    byId("excluded").textContent = `${meeting.length} of ${asked.length} cells hold the limits${excluded ? `: ${excluded}` : ""}`;
  };

  // Heat map.
  const metric = byId("metric");
  metric.addEventListener("change", () => choose({ metric: metric.value }));
  const chosen = () => Math.max(0, columnAt(state.get("metric") || ""));
  const drawHeat = () => {
    const at = chosen();
    const column = columns[at];
    metric.value = column.key;
    byId("metric-means").textContent = column.meaning;
    const numbers = cells.filter(matches).map((cell) => cell.figures[at]?.[NUMBER]).filter((value) => value !== null && value !== undefined);
    const logarithmic = Math.min(...numbers) > 0 && Math.max(...numbers) / Math.min(...numbers) > 20;
    const scaled = (value) => (logarithmic ? Math.log(value) : value);
    const [low, high] = [scaled(Math.min(...numbers)), scaled(Math.max(...numbers))];
    for (const button of all(".heat [data-cell]")) {
      const cell = byKey.get(button.dataset.cell);
      const figure = cell.figures[at];
      const why = cell.failed || (figure ? figure[NUMBER] === null && figure[TEXT] === "–" && notes[figure[NOTE]] : "not asked for");
      const share = figure && figure[NUMBER] !== null && high > low ? (scaled(figure[NUMBER]) - low) / (high - low) : 0;
      button.textContent = cell.failed ? "failed" : figure ? figure[TEXT] : "–";
      button.className = why ? (cell.failed ? "bad failed" : "bad") : missed(cell).length ? "out" : "";
      button.style.setProperty("--share", column.better === "higher" ? 1 - share : share);
      const value = why || `${figure[TEXT]} ${column.unit}, ${figure[EVIDENCE]}`;
      button.hidden = !matches(cell);
      const misses = cell.failed ? [] : missed(cell);
      button.setAttribute("aria-label", `${cell.row} on ${cell.npu}: ${column.title} ${value}${misses.length ? `; misses: ${misses.join(", ")}` : ""}`);
      button.title = why || (misses.length ? `misses: ${misses.join(", ")}` : `${figure[EVIDENCE]}${notes[figure[NOTE]] ? `: ${notes[figure[NOTE]]}` : ""}`);
    }
  };
  const heat = document.querySelector(".heat tbody");
  const hideRows = () => {
    for (const row of heat.rows) row.hidden = !row.querySelector("button:not([hidden])");
    for (const button of all("button[tabindex='0']", heat)) button.tabIndex = -1;
    const start = heat.querySelector("button:not([hidden])");
    if (start) start.tabIndex = 0;
  };
  heat.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const td = event.target.closest("td");
    if (!(event.key in moves) || !td) return;
    event.preventDefault();
    const [down, right] = moves[event.key];
    const there = [...heat.rows].filter((row) => !row.hidden);
    const row = there[clamp(there.indexOf(td.parentElement) + down, 0, there.length - 1)];
    const next = row.cells[clamp(td.cellIndex + right, 1, row.cells.length - 1)].querySelector("button");
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  // The plot: latency to the right, what was chosen upwards; smaller latency wins, and more or less of the other.
  const OTHERS = ["map50_95.int8", "arena_bytes", "memory_bytes.sram", "flash_bytes"].filter((key) =>
    cells.some((cell) => cell.figures[columnAt(key)]?.[NUMBER] != null));
  const other = byId("other");
  for (const key of OTHERS) other.append(Object.assign(make("option", columns[columnAt(key)].title), { value: key }));
  other.addEventListener("change", () => choose({ against: other.value }));
  const svgNode = (name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const ticks = (low, high, logarithmic, most) => {
    const found = [];
    if (logarithmic) {
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
        for (const digit of [1, 2, 5]) found.push(digit * 10 ** power);
    } else {
      const step = [1, 2, 5, 10].map((digit) => digit * 10 ** Math.floor(Math.log10((high - low) / most || 1))).find((size) => (high - low) / size <= most) || 1;
      for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
    }
    const inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
    const every = Math.ceil(inside.length / most);
    return inside.filter((_, index) => index % every === 0);
  };
  const axisOf = (values, from, to, most) => {
    let [low, high] = [Math.min(...values), Math.max(...values)];
    const logarithmic = low > 0 && high / low > 5;
    if (low === high) [low, high] = [low * 0.9, high * 1.1 || 1];
    const way = logarithmic ? Math.log : (value) => value;
    return { at: (value) => from + ((to - from) * (way(value) - way(low))) / (way(high) - way(low)), ticks: ticks(low, high, logarithmic, most) };
  };
  const shapeOf = (family, x, y, attributes) => {
    if (family === "u65") return svgNode("rect", { x: x - 4, y: y - 4, width: 8, height: 8, ...attributes });
    if (family === "u85") return svgNode("path", { d: `M${x} ${y - 5}l5 9h-10z`, ...attributes });
    return svgNode("circle", { cx: x, cy: y, r: 4.5, ...attributes });
  };
  const familyOf = (cell) => ["u55", "u65", "u85"][cell.cost[1]] || "other";
  const drawPlot = (meeting) => {
    const holder = byId("pareto");
    holder.replaceChildren();
    const key = OTHERS.includes(state.get("against")) ? state.get("against") : OTHERS[0];
    if (!key) return;
    other.value = key;
    const at = columnAt(key);
    const column = columns[at];
    byId("against").textContent = column.title;
    const points = meeting.filter((cell) => cell.goals[0] !== null && cell.figures[at]?.[NUMBER] != null)
      .map((cell) => ({ cell, x: cell.goals[0] / 1e3, y: cell.figures[at][NUMBER] * column.scale, span: cell.interval?.map((end) => end / 1e3) }));
    if (!points.length) { byId("front").textContent = "No cell that meets the limits has both figures."; return; }
    const sign = column.better === "higher" ? -1 : 1;
    const beats = (a, b) => a.x <= b.x && sign * a.y <= sign * b.y && (a.x < b.x || sign * a.y < sign * b.y);
    const best = points.filter((one) => !points.some((rival) => beats(rival, one))).sort((a, b) => a.x - b.x);
    const width = Math.max(320, holder.clientWidth), height = width < 600 ? 320 : 420;
    const x = axisOf(points.flatMap((one) => [one.x, ...(one.span || [])]), 58, width - 24, width < 600 ? 5 : 9);
    const y = axisOf(points.map((one) => one.y), height - 44, 24, 6);
    const spoken = best.map((one) => `${one.cell.row} on ${one.cell.npu}, ${said(GOALS[0], one.cell.goals[0])}, ${one.cell.figures[at][TEXT]} ${column.unit}`.trim());
    const svg = svgNode("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `latency against ${column.title}, ${points.length} cells; beaten by none: ${spoken.join("; ")}` });
    const number = (value) => String(Number(value.toPrecision(3)));
    for (const tick of x.ticks) svg.append(svgNode("path", { class: "grid-line", d: `M${x.at(tick)} 24V${height - 44}` }), svgNode("text", { x: x.at(tick), y: height - 28, "text-anchor": "middle" }, number(tick)));
    for (const tick of y.ticks) svg.append(svgNode("path", { class: "grid-line", d: `M58 ${y.at(tick)}H${width - 24}` }), svgNode("text", { x: 50, y: y.at(tick) + 4, "text-anchor": "end" }, number(tick)));
    svg.append(svgNode("text", { x: width - 24, y: height - 8, "text-anchor": "end" }, "milliseconds, estimated by our cycle model"), svgNode("text", { x: 8, y: 13 }, `${column.title}${column.unit ? `, ${column.unit}` : ""}`));
    svg.append(svgNode("path", { class: "front", d: best.map((one, index) => `${index ? `H${x.at(one.x)}V` : `M${x.at(one.x)} `}${y.at(one.y)}`).join("") }));
    for (const one of points) {
      const family = familyOf(one.cell);
      if (one.span) svg.append(svgNode("path", { class: `bar-line ${family}`, d: `M${x.at(one.span[0])} ${y.at(one.y)}H${x.at(one.span[1])}` }));
      const interval = one.span ? ` (${number(one.span[0])} to ${number(one.span[1])})` : "";
      const label = `${one.cell.row} on ${one.cell.npu}: ${number(one.x)} ms${interval}, ${column.title} ${one.cell.figures[at][TEXT]} ${column.unit}`.trim();
      svg.append(shapeOf(family, x.at(one.x), y.at(one.y), { class: `dot ${family}${best.includes(one) ? " best" : ""}`, role: "img", "aria-label": label, "data-cell": one.cell.key, "data-tip": label }));
    }
    const taken = [];
    for (const one of best) {
      const [px, py] = [x.at(one.x), y.at(one.y) - 7];
      const name = `${one.cell.row}, ${short(one.cell.npu)}`;
      const right = px + 9 + 6.4 * name.length > width - 4;
      const from = right ? px - 9 - 6.4 * name.length : px + 9;
      const box = [from, py - 11, from + 6.4 * name.length, py + 3];
      if (from < 0 || taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      taken.push(box);
      svg.append(svgNode("text", { class: "name", x: right ? px - 9 : px + 9, y: py, "text-anchor": right ? "end" : "start" }, name));
    }
    holder.append(svg);
    const more = spoken.length > 6 ? `; and ${spoken.length - 6} more` : "";
    byId("front").textContent = `Beaten by none in both: ${spoken.slice(0, 6).join("; ")}${more}.`;
  };

  // The table.
  const body = document.querySelector("#table tbody");
  const rows = all("tr", body);
  const filter = byId("filter"), only = byId("only");
  filter.addEventListener("input", () => choose({ filter: filter.value.trim() }));
  only.addEventListener("change", () => choose({ only: only.checked ? "1" : "" }));
  for (const button of all("#table [data-sort]"))
    button.addEventListener("click", () => {
      const again = state.get("sort") === button.dataset.sort;
      choose({ sort: button.dataset.sort, down: again && !state.get("down") ? "1" : "" });
    });
  const valueOf = (cell, name) => {
    if (name === "row") return cell.row;
    if (name === "npu") return cell.cost[0] * 4 + cell.cost[1];
    return cell.figures[columnAt(name)]?.[NUMBER] ?? null;
  };
  const drawTable = (meeting) => {
    const meets = new Set(meeting);
    if (document.activeElement !== filter) filter.value = state.get("filter") || "";
    only.checked = state.get("only") === "1";
    let shown = 0;
    for (const row of rows) {
      const cell = cells[Number(row.dataset.index)];
      row.hidden = !matches(cell) || (only.checked && !meets.has(cell));
      row.className = meets.has(cell) ? "" : "out";
      shown += row.hidden ? 0 : 1;
    }
    byId("count").textContent = `${shown} of ${cells.length} cells`;
    const sort = state.get("sort");
    const known = sort === "row" || sort === "npu" || columnAt(sort || "") >= 0;
    const way = state.get("down") ? -1 : 1;
    const ordered = [...rows].sort((a, b) => {
      const [one, two] = [a, b].map((row) => (known ? valueOf(cells[Number(row.dataset.index)], sort) : null));
      if (one === null || two === null || one === two) return (one === null) - (two === null) || a.dataset.index - b.dataset.index;
      return way * (typeof one === "string" ? one.localeCompare(two) : one - two); // what has no figure stays last
    });
    body.replaceChildren(...ordered);
    for (const button of all("#table [data-sort]"))
      button.parentElement.setAttribute("aria-sort", button.dataset.sort !== sort ? "none" : way > 0 ? "ascending" : "descending");
  };

  // One cell, all of it.
  const dialog = byId("provenance");
  const list = dialog.querySelector("dl");
  const show = (cell) => {
    dialog.querySelector("h2").textContent = `${cell.row} on ${cell.npu}`;
    list.replaceChildren();
    if (cell.failed) list.append(make("dt", "failed"), make("dd", cell.failed));
    cell.figures.forEach((figure, at) => {
      if (!figure) return;
      const column = columns[at];
      const note = notes[figure[NOTE]];
      const value = figure[TEXT] === "–" ? "–" : `${figure[TEXT]} ${column.unit}`.trim();
      const detail = make("dd", `${value} · ${figure[EVIDENCE]}`);
      if (column.key === "estimated_us.open" && cell.interval) detail.append(` · ${cell.interval.map((end) => Number((end / 1e3).toPrecision(3))).join(" to ")} ms`);
      if (note) detail.append(make("small", note));
      detail.title = data.evidenceWords[figure[EVIDENCE]] || "";
      list.append(make("dt", column.title), detail);
    });
    for (const [name, value] of Object.entries(cell.of)) list.append(make("dt", name), make("dd", value));
    if (!dialog.open) dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-cell]");
    if (asked) choose({ cell: asked.dataset.cell });
    else if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => choose({ cell: "" }));

  const tip = byId("tip");
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest && event.target.closest("[data-tip]");
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    tip.style.left = `${clamp(event.clientX + 12, 4, innerWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${clamp(event.clientY + 14, 4, innerHeight - tip.offsetHeight - 4)}px`;
  });

  const draw = () => {
    const meeting = cells.filter((cell) => matches(cell) && !missed(cell).length);
    drawAnswer(meeting);
    drawHeat();
    hideRows();
    drawPlot(meeting);
    drawTable(meeting);
    const cell = byKey.get(state.get("cell"));
    if (cell) show(cell);
    else if (dialog.open) dialog.close();
  };
  addEventListener("hashchange", () => { state = read(); kept = state.toString(); draw(); });
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
  addEventListener("beforeprint", () => { for (const details of all("details")) details.open = true; });
  kept = state.toString();
  draw();
})();
