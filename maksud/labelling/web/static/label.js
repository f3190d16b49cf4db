// The labelling page. All that people typed comes in as text and is shown as text.
"use strict";
(function () {
  const { t, send, newKey, Refusal } = Maksud;
  const $ = (id) => document.getElementById(id);
  const about = JSON.parse($("work").dataset.about);
  const base = "/api/tasks/" + about.task;
  const checking = about.stage !== "label";
  const form = about.questions.length ? MaksudForm(about.questions, $("form"), {
    changed: () => validate(120), selection: () => selectedSpan(), told: (m) => tell("alert", m),
    marked: () => { select(null); markUsed(); home(); }, callsBlock: $("calls-block"),
  }) : null;
  const proposing = MaksudPropose(base, async (intent, parameter) => {
    await loadCatalog();
    if (parameter) { drawCalls(); home(); } else { addCall(intent); }
    tell("notice", t("proposed"));
  }, () => home());
  const withCalls = about.card === "calls" || (form !== null && form.hasCalls);
  const canSelect = withCalls || (form !== null && form.hasSpans);
  const unsentPlace = ["maksud.unsent", about.task, about.stage, about.person].join(".");

  let item = null, calls = [], words = [], selected = null, offered = [];
  let catalog = [], isOpen = true, recent = [], done = [], revising = false;
  let shownFirst = null, remarkFirst = "", started = 0, busy = false, asked = 0, timer = 0, reasonFor = "";

  function el(tag, attributes, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") { made.addEventListener(name, value); }
      else if (value !== null && value !== false) { made.setAttribute(name, value === true ? "" : value); }
    }
    made.append(...inside.filter((part) => part !== null));
    return made;
  }

  // ------------------------------------------------------------ the call language

  const quoted = /[(),;="\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
  function formatValue(value) {
    return !value || value !== value.trim() || quoted.test(value) ? JSON.stringify(value) : value;
  }

  function formatCall(call) {
    const intent = catalog.find((i) => i.name === call.intent);
    let given = call.args;
    if (intent && intent.positional && given.every((a) => a.name)) {
      const first = intent.parameters.slice(0, given.length).map((p) => p.name);
      const values = new Map(given.map((a) => [a.name, a.value]));
      if (values.size === given.length && first.length === given.length && first.every((n) => values.has(n))) {
        given = first.map((name) => ({ name: null, value: values.get(name) }));
      }
    }
    const parts = given.map((a) => (a.name ? a.name + "=" : "") + formatValue(a.value));
    return call.intent + "(" + parts.join(", ") + ")";
  }

  const textNow = () => $("text").value.trim();
  const answerNow = () => (form ? form.write(textNow()) : textNow());

  function writeText() {
    $("text").value = calls.map(formatCall).join(";");
    validate(0);
  }

  // What the server says of the text; calls that were typed become cards.
  function validate(delay, typed) {
    window.clearTimeout(timer);
    if (shownFirst !== null) { keepDraft(); }
    timer = window.setTimeout(async () => {
      const mine = ++asked;
      const text = answerNow();
      if (!item) { return; }
      if (!text || text === "{}") { showMessages([], []); if (typed) { calls = []; drawCalls(); } return; }
      let found;
      try {
        found = await send(base + "/validate", { utterance: item.utterance, output: text });
      } catch (error) { return; }
      if (mine !== asked || !item || text !== answerNow()) { return; }
      if (form) { form.showErrors(found.fields); markUsed(); }
      const errors = form ? form.callErrors(found.fields) : found.errors;
      showMessages(errors, found.notes);
      if (typed && form && !textNow() && calls.length) { calls = []; drawCalls(); }
      if (typed && withCalls && found.calls.length) {
        calls = found.calls.map((c) => ({ intent: c.intent, args: c.arguments }));
        drawCalls();
      }
    }, delay);
  }

  function showMessages(errors, notes) {
    const shown = errors.map((m) => el("li", { class: "error" }, m));
    shown.push(...notes.map((m) => el("li", { class: "note" }, m)));
    if (!shown.length && textNow() && withCalls && !form) { shown.push(el("li", { class: "good" }, t("fits"))); }
    $("messages").replaceChildren(...shown);
    $("text").setAttribute("aria-invalid", errors.length ? "true" : "false");
  }

  // ------------------------------------------------------------ words

  // A sign of several characters (a family, a flag) is one, and what joins letters unseen is of its word.
  const wordForm = new RegExp([
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]\p{M}*/u,
    /[\p{L}\p{N}][\p{L}\p{N}\p{M}'’_\u200c\u200d-]*/u, /\p{RI}{2}/u,
    /\p{Extended_Pictographic}(?:[\p{M}\p{EMod}\u{e0020}-\u{e007f}]|\u200d\p{Extended_Pictographic})*/u,
    /[^\s\p{L}\p{N}]\p{M}*/u,
  ].map((part) => part.source).join("|"), "gu");

  function drawWords() {
    const text = item.utterance, parts = [];
    let at = 0;
    words = [];
    for (const found of text.matchAll(wordForm)) {
      if (found.index > at) { parts.push(text.slice(at, found.index)); }
      at = found.index + found[0].length;
      const k = words.length;
      const span = el("span", { class: "word", role: "button", "aria-pressed": "false",
        tabindex: k ? "-1" : "0", "data-k": String(k) }, found[0]);
      words.push({ span, from: found.index, to: at });
      parts.push(span);
    }
    parts.push(text.slice(at));
    $("said").replaceChildren(...parts);
    select(null);
  }

  function select(range) {
    selected = range && { from: Math.min(...range), to: Math.max(...range), cut: 0 };
    words.forEach((w, k) => {
      const on = selected !== null && k >= selected.from && k <= selected.to;
      w.span.setAttribute("aria-pressed", String(on));
    });
    $("work").classList.toggle("selecting", selected !== null);
    drawSelected();
    drawBadges();
  }

  const selectedText = () => selected && item.utterance.slice(words[selected.from].from, words[selected.to].to - selected.cut);

  function drawSelected() {
    $("selection").hidden = selected === null;
    $("words-help").hidden = selected !== null || !canSelect;
    $("selection-text").textContent = selected ? t("chosen_words", { text: selectedText() }) : "";
  }

  // What hangs on a word without being part of the value: lampu|nya, tomorrow|'s; else one letter.
  const ending = /(?:['’-]\p{L}+|nya|ku|mu|lah|kah|ne)$/iu;
  function trim() {
    const last = words[selected.to], word = item.utterance.slice(last.from, last.to - selected.cut);
    const found = word.match(ending);
    const cut = found && word.length > found[0].length + 1 ? found[0].length : [...word].pop().length;
    if (word.length > cut) { selected.cut += cut; drawSelected(); }
  }

  function selectedSpan() {
    if (!selected) { return null; }
    const start = [...item.utterance.slice(0, words[selected.from].from)].length, text = selectedText();
    return { start, end: start + [...text].length, text };
  }

  function tap(k) {
    if (selected === null) { select([k, k]); }
    else if (k >= selected.from && k <= selected.to) { select(null); }
    else { select([selected.from, selected.to, k]); }
  }

  let anchor = null, dragged = false;
  $("trim").addEventListener("click", () => { trim(); home(); });
  if (canSelect) {
    const wordOf = (event) => { const w = event.target.closest(".word"); return w ? Number(w.dataset.k) : null; };
    $("said").addEventListener("pointerdown", (e) => {
      anchor = e.pointerType === "mouse" && e.button === 0 ? wordOf(e) : null;
      dragged = false;
    });
    $("said").addEventListener("pointerover", (e) => {
      const k = wordOf(e);
      if (anchor !== null && k !== null && (dragged || k !== anchor)) { dragged = true; select([anchor, k]); }
    });
    document.addEventListener("pointerup", () => { anchor = null; });
    $("said").addEventListener("click", (e) => {
      const k = wordOf(e);
      if (k !== null && !dragged) { tap(k); words[k].span.focus(); }
      dragged = false;
    });
    $("said").addEventListener("keydown", (e) => {
      const k = wordOf(e);
      if (k === null) { return; }
      const onwards = getComputedStyle($("said")).direction === "rtl" ? -1 : 1;
      const step = onwards * ({ ArrowRight: 1, ArrowLeft: -1 }[e.key] || 0);
      if (step) {
        const to = Math.max(0, Math.min(words.length - 1, k + step));
        words[k].span.tabIndex = -1;
        words[to].span.tabIndex = 0;
        words[to].span.focus();
        if (e.shiftKey) { select(selected ? [selected.from, selected.to, to] : [k, to]); }
      } else if (e.key === " " || e.key === "Enter") { tap(k); }
      else { return; }
      e.preventDefault();
      e.stopPropagation();
    });
  }

  function markUsed() {
    const values = calls.flatMap((c) => c.args.map((a) => a.value)).filter(Boolean);
    if (form) { values.push(...form.spans().map((s) => s.text)); }
    const ranges = values.map((v) => [item.utterance.indexOf(v), v.length]).filter((r) => r[0] >= 0);
    for (const w of words) {
      const used = ranges.some(([at, long]) => w.from >= at && w.from < at + long);
      w.span.classList.toggle("used", used);
    }
  }

  // ------------------------------------------------------------ calls

  let fillers = []; // what number keys fill while words are selected

  function drawCalls() {
    fillers = [];
    $("calls").replaceChildren(...calls.map(drawCall));
    $("no-call").hidden = calls.length > 0;
    markUsed();
    drawBadges();
  }

  function drawCall(call, k) {
    const intent = catalog.find((i) => i.name === call.intent);
    const remove = el("button", { type: "button", class: "quiet", "aria-label": t("remove_call", { name: call.intent }),
      click: () => { calls.splice(k, 1); drawCalls(); writeText(); home(); } }, "✕");
    const name = call.intent === "none" ? t("out_of_scope") : call.intent;
    const head = el("div", { class: "head" },
      el("b", {}, name, intent && intent.description ? el("span", { class: "muted" }, " " + intent.description) : null), remove);
    const box = el("div", { class: "call" }, head);
    if (call.intent === "none") { return box; }
    const parameters = intent ? intent.parameters : [];
    const known = new Set(parameters.map((p) => p.name));
    for (const p of parameters) {
      const there = call.args.filter((a) => a.name === p.name);
      for (const argument of there) { box.append(drawParameter(call, p, argument)); }
      if (!there.length || p.many) { box.append(drawParameter(call, p, null)); }
    }
    const others = call.args.filter((a) => !known.has(a.name));
    for (const argument of others) { box.append(drawParameter(call, { name: argument.name, choices: [] }, argument)); }
    if (intent && !isOpen) {
      box.append(el("button", { type: "button", class: "quiet", click: () => proposing.open("", call.intent) }, t("propose_parameter", { name: call.intent })));
    }
    if (!intent || isOpen) { box.append(drawParameter(call, { name: null, choices: [] }, null)); }
    return box;
  }

  const nameOf = (said) => said.trim().replace(/[\s(),;="]+/g, "_") || null;

  function drawParameter(call, parameter, argument) {
    const name = parameter.name || t("value");
    // What an open catalog does not know yet may get a name.
    const naming = parameter.name ? null : el("input", { class: "naming", "aria-label": t("parameter_name"),
      placeholder: t("parameter_name"), autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      input: () => { if (argument) { argument.name = nameOf(naming.value); writeText(); } } });
    const set = (value) => {
      if (argument) { argument.value = value; return; }
      argument = { name: parameter.name || nameOf(naming.value), value };
      call.args.push(argument);
    };
    let input;
    if (parameter.choices.length) {
      input = el("select", { "aria-label": t("value_of", { name }), change: () => {
        if (input.value) { set(input.value); } else { call.args = call.args.filter((a) => a !== argument); }
        drawCalls(); writeText();
      } }, el("option", { value: "" }, t("choose")), ...parameter.choices.map((c) => el("option", { value: c }, c)));
      input.value = argument ? argument.value : "";
    } else {
      input = el("input", { "aria-label": t("value_of", { name }), dir: "auto", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
        input: () => { set(input.value); markUsed(); writeText(); } });
      input.value = argument ? argument.value : "";
    }
    const label = el("span", { class: "name" }, el("kbd", { hidden: true }), naming || " " + name + " ",
      parameter.required ? el("span", { class: "need" }, t("required")) : null,
      parameter.description ? el("span", { class: "muted" }, " " + parameter.description) : null);
    const fill = () => {
      const text = selectedText();
      if (!text) { tell("alert", t("nothing_selected")); return; }
      set(text);
      select(null);
      drawCalls(); writeText(); home();
    };
    const buttons = el("span", { class: "buttons" });
    if (!parameter.choices.length) {
      buttons.append(el("button", { type: "button", "aria-label": t("fill", { name }), title: t("fill", { name }), click: fill }, "⇐"));
      fillers.push({ fill, badge: label.querySelector("kbd") });
    }
    if (argument) {
      buttons.append(el("button", { type: "button", class: "quiet", "aria-label": t("remove_value", { name }),
        click: () => { call.args = call.args.filter((a) => a !== argument); drawCalls(); writeText(); home(); } }, "✕"));
    }
    return el("div", { class: "parameter" }, label, input, buttons);
  }

  function drawBadges() {
    fillers.forEach(({ badge }, k) => {
      badge.hidden = selected === null || k > 8;
      badge.textContent = String(k + 1);
    });
  }

  function addCall(name) {
    if (name === "none") { calls = [{ intent: "none", args: [] }]; }
    else {
      calls = calls.filter((c) => c.intent !== "none");
      calls.push({ intent: name, args: [] });
      recent = [name, ...recent.filter((n) => n !== name)].slice(0, 8);
    }
    drawCalls(); writeText(); closeSearch(); home();
  }

  // ------------------------------------------------------------ search

  const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
  const split = (text) => fold(text.replace(/([a-z])([A-Z])/g, "$1 $2")).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  // Whether two words are at most so many edits apart; two letters that changed places are one.
  function within(a, b, most) {
    if (Math.abs(a.length - b.length) > most) { return false; }
    let before = [], row = Array.from({ length: b.length + 1 }, (_, k) => k);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
          next[j] = Math.min(next[j], before[j - 2] + 1);
        }
      }
      [before, row] = [row, next];
    }
    return row[b.length] <= most;
  }

  function near(query, word) {
    if (word === query) { return 10; }
    if (word.startsWith(query)) { return 7; }
    if (query.length > 1 && word.includes(query)) { return 4; }
    const most = query.length > 6 ? 2 : query.length > 3 ? 1 : 0;
    return most && (within(query, word, most) || within(query, word.slice(0, query.length), most)) ? 3 : 0;
  }

  function rank(query) {
    const asked = split(query);
    if (!asked.length) {
      const order = (i) => (recent.includes(i.name) ? recent.indexOf(i.name) : 99);
      return [...catalog].sort((a, b) => order(a) - order(b)).slice(0, 8);
    }
    const scored = [];
    for (const intent of catalog) {
      intent.words = intent.words || [[3, split(intent.name)], [1.5, split(intent.description)],
        [1, intent.examples.flatMap(split)], [1, intent.parameters.flatMap((p) => split(p.name + " " + p.description))]];
      let score = 0;
      for (const q of asked) {
        const best = Math.max(0, ...intent.words.map(([weight, list]) => weight * Math.max(0, ...list.map((w) => near(q, w)))));
        if (!best) { score = 0; break; }
        score += best;
      }
      if (score) { scored.push([score, intent]); }
    }
    return scored.sort((a, b) => b[0] - a[0]).slice(0, 8).map((s) => s[1]);
  }

  let options = [], active = 0;

  function openSearch() {
    const query = $("search").value.trim();
    options = rank(query).map((i) => ({ name: i.name, title: i.name, more: i.description || i.examples[0] || "" }));
    const sayable = query && !/[\s(),;="]/.test(query) && query !== "none";
    if (isOpen && sayable && !catalog.some((i) => i.name === query)) {
      options.push({ name: query, title: t("new_intent", { name: query }), more: "" });
    }
    else if (sayable && !catalog.some((i) => i.name === query)) {
      options.push({ name: query, title: t("propose_this", { name: query }), more: "", propose: true });
    }
    active = 0;
    // Chosen by the click: were the list gone before, a finger would press what lies under it.
    const lines = options.map((o, k) => el("li", { role: "option", id: "option-" + k, "aria-selected": String(k === 0),
      pointerdown: (e) => e.preventDefault(), click: () => choose(o) }, o.title, o.more ? el("span", {}, o.more) : null));
    if (!lines.length && query) { lines.push(el("li", { role: "option", "aria-disabled": "true" }, t("no_intent"))); }
    $("found").replaceChildren(...lines);
    $("found").hidden = !lines.length;
    $("search").setAttribute("aria-expanded", String(lines.length > 0));
    point();
  }

  function choose(option) {
    if (option.propose) { closeSearch(); proposing.open(option.name); } else { addCall(option.name); }
  }

  function point() {
    [...$("found").children].forEach((line, k) => line.setAttribute("aria-selected", String(k === active && options.length > 0)));
    if (options.length) {
      $("search").setAttribute("aria-activedescendant", "option-" + active);
      $("found").children[active].scrollIntoView({ block: "nearest" });
    }
  }

  function closeSearch() {
    $("search").value = "";
    $("found").hidden = true;
    $("search").setAttribute("aria-expanded", "false");
    $("search").removeAttribute("aria-activedescendant");
  }

  $("search").addEventListener("input", openSearch);
  $("search").addEventListener("focus", openSearch);
  $("search").addEventListener("blur", () => { $("found").hidden = true; });
  $("search").addEventListener("keydown", (e) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      active = Math.max(0, Math.min(options.length - 1, active + (e.key === "ArrowDown" ? 1 : -1)));
      point();
    } else if (e.key === "Enter") { if (options.length) { choose(options[active]); } }
    else if (e.key === "Escape") { closeSearch(); home(); }
    else { return; }
    e.preventDefault();
    e.stopPropagation();
  });

  // ------------------------------------------------------------ suggestions, and labels of others

  function pieces(text) { return text.match(/[\p{L}\p{N}_]+|\s+|./gsu) || []; }

  // The text with the pieces marked that another text does not have in the same order.
  function marked(text, other) {
    const a = pieces(text), b = pieces(other);
    if (text === other || a.length * b.length > 40000) { return [text]; }
    const long = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        long[i][j] = a[i] === b[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
      }
    }
    const out = [];
    for (let i = 0, j = 0; i < a.length; i++) {
      while (j < b.length && a[i] !== b[j] && long[i][j + 1] >= long[i + 1][j]) { j++; }
      if (j < b.length && a[i] === b[j]) { out.push(a[i]); j++; } else { out.push(el("mark", {}, a[i])); }
    }
    return out;
  }

  function drawOffered() {
    offered = checking
      ? item.labels.map((l) => ({ ...l, text: l.output }))
      : item.suggestions.map((s) => ({ ...s, kind: "answer" }));
    $("suggested").hidden = !offered.length;
    const first = offered.length ? offered[0].text : "";
    $("suggestions").replaceChildren(...offered.map((o, k) => {
      const text = o.kind === "abandon" ? [t("abandon_vote", { reason: o.reason })] : checking ? marked(sayAnswer(o.text), sayAnswer(k ? first : (offered[1] || o).text)) : [sayAnswer(o.text)];
      const sure = checking ? null : el("span", { class: "sure" }, o.confidence === null ? t("from_data") : Math.round(o.confidence * 100) + " %");
      const by = checking ? el("span", { class: "by" }, o.by) : null;
      return el("li", {}, el("button", { type: "button", "aria-pressed": "false", click: () => take(k) },
        k < 9 ? el("kbd", {}, String(k + 1)) : null, by, el("code", {}, ...text), sure,
        o.comment ? el("span", { class: "remark" }, t("remarked", { text: o.comment })) : null));
    }));
  }

  function take(k) {
    const o = offered[k];
    if (!o) { return; }
    if (o.kind === "abandon") { askReason("abandon", o.reason); return; }
    fillIn(o.text);
    [...$("suggestions").querySelectorAll("button")].forEach((b, n) => b.setAttribute("aria-pressed", String(n === k)));
    home();
  }

  function fillIn(text) {
    calls = [];
    $("text").value = form ? form.fill(text) : text;
    drawCalls();
    validate(0, true);
  }

  // ------------------------------------------------------------ items

  function tell(where, message) {
    $("notice").textContent = where === "notice" ? message : "";
    $("alert").textContent = where === "alert" ? message : "";
    $("alert").hidden = !$("alert").textContent;
  }

  function home() { $("content").focus({ preventScroll: true }); }

  function showWaiting(waiting) {
    const parts = Object.entries(waiting || {}).filter((e) => e[1]).map(([s, n]) => n + " " + t("state_" + s));
    $("waiting").textContent = parts.join(" · ");
  }

  function show(next, mine) {
    item = next;
    revising = Boolean(mine);
    $("item").hidden = !item;
    $("empty").hidden = Boolean(item);
    $("reason-form").hidden = true;
    if (!item) { return; }
    started = Date.now();
    $("number").textContent = item.number;
    $("feedback").hidden = !item.feedback;
    $("feedback").textContent = item.feedback ? t("was_sent_back", { reason: item.feedback }) : "";
    showTurns($("turns"), item.turns);
    const fields = Object.entries(item.fields);
    $("fields").hidden = !fields.length;
    $("fields").replaceChildren(...fields.flatMap(([name, value]) => [el("dt", {}, about.titles[name] || name),
      el("dd", {}, typeof value === "string" ? value : JSON.stringify(value))]));
    drawWords();
    drawOffered();
    showMessages([], []);
    const proposed = checking ? (item.proposal.kind === "answer" ? item.proposal.output : "") : offered.length ? offered[0].text : "";
    const draft = draftOf(item.id);
    shownFirst = null;
    fillIn(mine ? mine.output : proposed);
    shownFirst = answerNow();
    remarkFirst = mine ? mine.comment : "";
    $("comment").value = draft && draft.comment !== undefined ? draft.comment : remarkFirst;
    $("comment-box").open = Boolean($("comment").value);
    if (draft !== null) { fillIn(draft.text); }
    if (offered.length && !mine && [textNow(), answerNow()].includes(offered[0].text)) {
      $("suggestions").querySelector("button").setAttribute("aria-pressed", "true");
    }
    const past = item.history || [];
    $("history-box").hidden = !past.length;
    $("history").replaceChildren(...past.map((h) => el("li", {}, h.by + " · " + t("go_" + h.stage) + " ",
      el("code", {}, sayAnswer(h.output) || h.reason || t("kind_" + h.kind)),
      h.comment ? el("span", { class: "muted" }, " " + t("remarked", { text: h.comment })) : null)));
    if (revising) {
      tell("notice", t("revising") + (mine.kind === "abandon" ? " · " + t("abandon_vote", { reason: mine.reason }) : ""));
    }
    window.scrollTo(0, 0);
    home();
  }

  async function next(id) {
    try {
      const answer = await send(base + "/claim", { stage: about.stage, item: id || 0 });
      show(answer.item);
    } catch (error) { tell("alert", error.message); if (!item) { $("empty").hidden = false; } }
  }

  async function look(id) {  // at what I did, to change it; else takes it in hand
    try {
      const found = await send(base + "/items/" + id);
      if (found.mine && found.mine.stage === about.stage) { show(found, found.mine); } else { await next(id); }
    } catch (error) {
      if (error.status === 404) { await next(id); } else { tell("alert", error.message); }
    }
  }

  async function undo() {
    if (busy) { return; }
    let id = done.pop();
    if (!id) {
      const mine = (await send(base + "/mine")).acts;
      const last = mine.find((a) => a.stage === about.stage && a.kind !== "skip" && (!item || a.item !== item.id));
      id = last && last.item;
    }
    if (id) { await look(id); }
  }

  // ------------------------------------------------------------ saving

  const wait = (ms) => new Promise((resolve) => window.setTimeout(resolve, ms));
  function unsent() {
    try {
      const kept = JSON.parse(localStorage.getItem(unsentPlace)) || {};
      return kept.key ? { [kept.key]: kept } : kept;  // a page of before kept one alone
    } catch (error) { return {}; }
  }
  // By its key: a second tab keeps its own beside it.
  function keep(body, sent) {
    const all = unsent();
    if (sent) { delete all[body.key]; } else { all[body.key] = body; }
    try {
      if (Object.keys(all).length) { localStorage.setItem(unsentPlace, JSON.stringify(all)); }
      else { localStorage.removeItem(unsentPlace); }
    } catch (error) { /* without storage it is kept in this page alone */ }
  }

  // What was begun outlives that the page is loaded again.
  function keepDraft() {
    if (!item) { return; }
    const text = answerNow(), comment = $("comment").value;
    const begun = text !== shownFirst || comment !== remarkFirst;
    try {
      if (begun) { sessionStorage.setItem(unsentPlace, JSON.stringify({ item: item.id, text, comment })); }
    } catch (error) { /* then it is lost */ }
    if (!begun) { dropDraft(); }
  }
  function dropDraft() {
    try { sessionStorage.removeItem(unsentPlace); } catch (error) { /* there was none */ }
  }
  function draftOf(id) {
    try {
      const draft = JSON.parse(sessionStorage.getItem(unsentPlace));
      return draft && draft.item === id ? draft : null;
    } catch (error) { return null; }
  }

  // Sends a save until it is answered: a second sending has the same key, so it is stored once.
  async function deliver(body) {
    keep(body, false);
    let claimed = false;
    for (;;) {
      try {
        const answer = await send(base + "/save", body);
        keep(body, true);
        return answer;
      } catch (error) {
        if (error instanceof Refusal && error.code === "lease_lost" && !claimed) {
          claimed = true;
          try { await send(base + "/claim", { stage: body.stage, item: body.item }); continue; } catch (other) { /* told below */ }
        }
        // Who has to sign in again, or to load the page again, finds the answer sent then.
        if (error instanceof Refusal && (error.status === 401 || error.code === "csrf")) { throw error; }
        if (error instanceof Refusal && error.status < 500 && error.status !== 429) { keep(body, true); throw error; }
        tell("alert", error instanceof Refusal ? error.message : t("offline"));
        await wait(2000);
      }
    }
  }

  async function act(kind, reason) {
    if (busy || !item) { return; }
    const lacking = form && kind === "answer" ? form.missing(textNow()) : [];
    if (lacking.length) { tell("alert", t("needed") + ": " + lacking.join(", ")); return; }
    const text = textNow(), whole = answerNow();
    const shown = !checking && offered.length;
    const body = { item: item.id, stage: about.stage, kind, key: newKey(), output: kind === "answer" ? whole : "",
      reason: reason || "", comment: $("comment").value, next: true,
      suggested: shown ? (offered.some((o) => o.text === text) ? "confirmed" : "shown") : "",
      seconds: Math.min(3600, (Date.now() - started) / 1000) };
    busy = true;
    $("save").disabled = true;
    try {
      const answer = await deliver(body);
      dropDraft();
      if (kind === "answer" || kind === "abandon") { done.push(item.id); }
      document.dispatchEvent(new CustomEvent("maksud:saved", { detail: { item: body.item, kind, base } }));
      const told = { answer: t("saved", { text: sayAnswer(whole) }), skip: t("skipped"), abandon: t("abandoned_now"), reject: t("sent_back_now") };
      learn(kind === "answer" ? text : "");
      show(answer.item);
      showWaiting(answer.waiting);
      tell("notice", told[kind]);
    } catch (error) {
      tell("alert", error.message);
      if (["labelled_already", "decided_already", "moved_on"].includes(error.code)) {  // in another tab, or by others
        await next(0);
        tell("alert", error.message);
      }
    } finally {
      busy = false;
      $("save").disabled = false;
    }
  }

  // Intents that were used for the first time are found from now on.
  function learn(text) {
    const unknown = text && calls.some((c) => c.intent !== "none" && !catalog.some((i) => i.name === c.intent));
    if (unknown) { loadCatalog(); }
  }

  async function loadCatalog() {
    const found = await send(base + "/catalog");
    catalog = found.intents;
    isOpen = found.open;
  }

  function askReason(kind, given) {
    reasonFor = kind;
    $("reason-form").hidden = false;
    const texts = { abandon: ["reason_abandon", "abandon"], reject: ["reason_send_back", "send_back"] }[kind];
    $("reason-label").textContent = t(texts[0]);
    $("reason-send").textContent = t(texts[1]);
    $("reason").value = given || "";
    const reasons = kind === "abandon" ? about.reasons : [];
    $("reasons").replaceChildren(...reasons.map((r) => el("button", { type: "button", click: () => { $("reason").value = r; $("reason").focus(); } }, r)));
    $("reason-form").scrollIntoView({ block: "nearest" });
    $("reason").focus();
  }

  $("reason-form").addEventListener("submit", (e) => {
    e.preventDefault();
    const reason = $("reason").value.trim();
    if (reason) { act(reasonFor, reason); }
  });
  $("reason-cancel").addEventListener("click", () => { $("reason-form").hidden = true; home(); });
  $("text").addEventListener("input", () => validate(120, true));
  $("comment").addEventListener("input", () => { if (shownFirst !== null) { keepDraft(); } });
  $("none").addEventListener("click", () => addCall("none"));
  $("save").addEventListener("click", () => act("answer"));
  $("abandon").addEventListener("click", () => askReason("abandon", ""));
  $("undo").addEventListener("click", undo);
  $("again").addEventListener("click", () => next(0));
  if (checking) { $("send-back").addEventListener("click", () => askReason("reject", "")); }
  else { $("skip").addEventListener("click", () => act("skip")); }

  // ------------------------------------------------------------ keys

  document.addEventListener("keydown", (e) => {
    if (!item || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) { return; }
    const where = e.target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, button, a, summary");
    // What folds takes the keys that unfold it, and no others.
    if (where && (where.tagName !== "SUMMARY" || ["Enter", " ", "Escape"].includes(e.key))) {
      const answers = where.id === "text" || where.id === "comment" || where.closest(".parameter, .question");
      if (e.key === "Enter" && !e.shiftKey && answers && where.tagName !== "BUTTON") { e.preventDefault(); act("answer"); }
      if (e.key === "Escape") { if (where.closest("#reason-form")) { $("reason-form").hidden = true; } home(); }
      return;
    }
    const key = e.key.toLowerCase();
    if (form && form.press(key)) { /* an option's key */ }
    else if (/^[1-9]$/.test(key)) {
      const filler = selected !== null && fillers[Number(key) - 1];
      if (filler) { filler.fill(); } else { take(Number(key) - 1); }
    } else if (key === "0" && withCalls) { addCall("none"); }
    else if (key === "/" && withCalls) { $("search").focus(); }
    else if (key === "-" && selected !== null) { trim(); }
    else if (key === "enter") { act("answer"); }
    else if (key === "s" && !checking) { act("skip"); }
    else if (key === "r" && checking) { askReason("reject", ""); }
    else if (key === "a") { askReason("abandon", ""); }
    else if (key === "u") { undo(); }
    else if (key === "escape") { select(null); }
    else { return; }
    e.preventDefault();
  });

  (async function () {
    showWaiting(about.waiting);
    if (withCalls) { await loadCatalog(); }
    for (const body of Object.values(unsent())) {
      try { await deliver(body); tell("notice", t("saved", { text: sayAnswer(body.output) })); }
      catch (error) { tell("alert", error.message + " " + body.output); }
    }
    if (about.item) { await look(about.item); } else { await next(0); }
  })();
})();
