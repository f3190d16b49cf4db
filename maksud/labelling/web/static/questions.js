// Answer cards besides the intent card: drawn from a template's questions, read as one JSON text.
// All that people typed comes in as text and is shown as text.
"use strict";
// `hooks`: changed() is told of each answer; selection() gives the words that are selected, as
// {start, end, text} in code points; callsBlock is the intent card, which is put in its place.
function MaksudForm(questions, box, hooks) {
  const t = Maksud.t;
  const cards = new Map();
  const keys = new Map();
  let values = {};

  function el(tag, attributes, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") { made.addEventListener(name, value); }
      else if (value !== null && value !== false) { made.setAttribute(name, value === true ? "" : value); }
    }
    made.append(...inside.filter((part) => part !== null && part !== undefined));
    return made;
  }

  const emptyOf = (q) => (q.kind === "choices" || q.kind === "span" ? [] : "");
  const isSet = (value) => (Array.isArray(value) ? value.length > 0 : Boolean(value));

  function isAsked(q) {
    if (!q.when) { return true; }
    const other = questions.find((o) => o.title === q.when.question);
    if (!other || !isAsked(other)) { return false; }
    const said = values[other.title];
    const given = Array.isArray(said) ? said.map((v) => (typeof v === "string" ? v : v.label)) : [said];
    return given.some((v) => q.when.is.includes(v));
  }

  function set(q, value) {
    values[q.title] = value;
    refresh();
    hooks.changed();
  }

  function refresh() {
    for (const q of questions) {
      const card = cards.get(q.title);
      if (card && q.kind !== "calls") { card.box.hidden = !isAsked(q); card.sync(); }
    }
  }

  function head(q, number) {
    return el("legend", {}, q.title + " ",
      q.required === false ? null : el("span", { class: "need" }, t("required")),
      q.hint ? el("span", { class: "muted hint" }, " " + q.hint) : null);
  }

  function shell(q, number, ...inside) {
    const message = el("p", { class: "told", id: "told-" + number });
    const made = el("fieldset", { class: "question", "aria-describedby": "told-" + number }, head(q, number), ...inside, message);
    return { box: made, message };
  }

  function drawInput(q, number) {
    const field = el("textarea", { rows: "2", maxlength: "4000", "aria-label": q.title, autocomplete: "off",
      spellcheck: q.calls ? "false" : null, input: () => set(q, field.value) });
    const card = shell(q, number, field);
    card.sync = () => { if (field.value.trim() !== (values[q.title] || "").trim()) { field.value = values[q.title] || ""; } };
    return card;
  }

  function optionLabel(option) {
    return [option.label || option.value, option.key ? el("kbd", {}, option.key) : null];
  }

  function drawChoice(q, number) {
    const several = q.kind === "choices";
    const inputs = q.options.map((option) => {
      const input = el("input", { type: several ? "checkbox" : "radio", name: "question-" + number, change: () => choose(q, option, input.checked) });
      return { option, input, line: el("label", { class: "check" }, input, el("span", {}, ...optionLabel(option))) };
    });
    const card = shell(q, number, el("div", { class: "options" }, ...inputs.map((i) => i.line)));
    card.sync = () => {
      const said = values[q.title] || emptyOf(q);
      for (const { option, input } of inputs) {
        input.checked = several ? said.includes(option.value) : said === option.value;
      }
    };
    return card;
  }

  function choose(q, option, on) {
    if (q.kind === "choice") { set(q, on ? option.value : ""); return; }
    const kept = new Set(values[q.title] || []);
    if (on) { kept.add(option.value); } else { kept.delete(option.value); }
    set(q, q.options.map((o) => o.value).filter((v) => kept.has(v)));
  }

  function mark(q, option) {
    const words = hooks.selection();
    if (!words) { hooks.told(t("nothing_selected")); return; }
    const kept = (values[q.title] || []).filter((s) => s.start !== words.start || s.end !== words.end || s.label !== option.value);
    kept.push({ start: words.start, end: words.end, text: words.text, label: option.value });
    kept.sort((a, b) => a.start - b.start || a.end - b.end);
    set(q, kept);
    hooks.marked();
  }

  function drawSpan(q, number) {
    const buttons = q.options.map((option) => el("button", { type: "button", click: () => mark(q, option) }, ...optionLabel(option)));
    const list = el("ul", { class: "spans", "aria-label": q.title });
    const card = shell(q, number, el("p", { class: "muted small" }, t("span_help")), el("div", { class: "go" }, ...buttons), list);
    card.sync = () => {
      const said = values[q.title] || [];
      list.hidden = !said.length;
      list.replaceChildren(...said.map((span) => el("li", {}, el("b", {}, span.text), " " + span.label + " ",
        el("button", { type: "button", class: "quiet", "aria-label": t("remove_value", { name: span.text + " " + span.label }),
          click: () => set(q, said.filter((s) => s !== span)) }, "✕"))));
    };
    return card;
  }

  function draw() {
    const parts = [];
    questions.forEach((q, number) => {
      if (q.kind === "calls") {
        if (hooks.callsBlock) { cards.set(q.title, { box: hooks.callsBlock }); parts.push(hooks.callsBlock); }
        return;
      }
      const made = q.kind === "input" ? drawInput(q, number) : q.kind === "span" ? drawSpan(q, number) : drawChoice(q, number);
      cards.set(q.title, made);
      parts.push(made.box);
      for (const option of q.options || []) {
        if (option.key) { keys.set(option.key, { q, option }); }
      }
    });
    box.replaceChildren(...parts);
  }

  const callsQuestion = questions.find((q) => q.kind === "calls");
  const outputQuestion = callsQuestion || questions.find((q) => q.title === "output");

  // Takes what an answer says: a form's JSON, or a call text for the card that takes it.
  function fill(text) {
    let said = null;
    if (text.startsWith("{")) { try { said = JSON.parse(text); } catch (error) { said = null; } }
    values = {};
    for (const q of questions) {
      if (said === null && q.default) { values[q.title] = q.default; }
      if (said !== null && said[q.title] !== undefined) { values[q.title] = said[q.title]; }
    }
    if (said === null && text && outputQuestion) { values[outputQuestion.title] = text; }
    showErrors({});
    refresh();
    return callsQuestion ? values[callsQuestion.title] || "" : "";
  }

  function write(callText) {
    const said = {};
    for (const q of questions) {
      const value = q.kind === "calls" ? callText : values[q.title];
      if (isSet(value) && (q.kind === "calls" || isAsked(q))) { said[q.title] = value; }
    }
    return JSON.stringify(said);
  }

  function showErrors(fields) {
    for (const [title, card] of cards) {
      const said = isSet(values[title]) ? fields[title] : "";  // what is not answered yet is no fault
      if (card.message) { card.message.textContent = said || ""; }
    }
  }

  const callErrors = (fields) => (callsQuestion && fields[callsQuestion.title] ? [fields[callsQuestion.title]] : []);
  const missing = (callText) => questions.filter((q) => q.required !== false && isAsked(q) &&
    !isSet(q.kind === "calls" ? callText : values[q.title])).map((q) => q.title);

  // Whether a key is an option's; if so it is chosen, or the selected words are marked with it.
  function press(key) {
    const found = keys.get(key);
    if (!found || !isAsked(found.q)) { return false; }
    const { q, option } = found;
    if (q.kind === "span") { mark(q, option); }
    else { choose(q, option, q.kind === "choice" ? values[q.title] !== option.value : !(values[q.title] || []).includes(option.value)); }
    return true;
  }

  draw();
  return { fill, write, showErrors, callErrors, missing, press, hasCalls: Boolean(callsQuestion), hasSpans: questions.some((q) => q.kind === "span"),
    spans: () => questions.filter((q) => q.kind === "span").flatMap((q) => values[q.title] || []) };
}

// An answer as a line that people read: a call text as it is, a form by its titles.
function sayAnswer(text) {
  if (!text.startsWith("{")) { return text; }
  let said = null;
  try { said = JSON.parse(text); } catch (error) { return text; }
  const say = (v) => (Array.isArray(v) ? v.map(say).join(", ") : typeof v === "object" && v !== null ? v.text + " (" + v.label + ")" : String(v));
  return Object.entries(said).map(([title, value]) => title + ": " + say(value)).join(" · ");
}

// The turns of a conversation, with those marked that are still open.
function showTurns(list, turns) {
  const t = Maksud.t;
  list.hidden = !turns.length;
  list.replaceChildren(...turns.map((turn) => {
    const line = document.createElement("li"), who = document.createElement("span");
    const said = document.createElement("bdi");
    said.textContent = turn.text;
    who.className = "role";
    who.textContent = t("role_" + turn.role) + (turn.open ? " · " + t("open_turn") : "");
    line.classList.toggle("open", turn.open);
    line.append(who, " ", said);
    return line;
  }));
}
