// The editor of templates: a text, and beside it what labellers will see.
"use strict";
(function () {
  const { t, send } = Maksud;
  const $ = (id) => document.getElementById(id);
  const block = $("calls-block");
  const snippets = {
    calls: "- title: output\n  kind: calls\n",
    input: "- title: catatan\n  kind: input\n  required: false\n",
    choice: "- title: nada\n  kind: choice\n  options:\n  - {value: positif, key: p}\n  - {value: negatif, key: n}\n",
    choices: "- title: topik\n  kind: choices\n  required: false\n  options: [harga, mutu, pengiriman]\n",
    span: "- title: sebutan\n  kind: span\n  required: false\n  options: [tempat, orang]\n",
    conversation: "- field: turns\n  kind: conversation\n",
  };
  let asked = 0, timer = 0, form = null, utterance = "";

  // The words that the browser has selected in the utterance, in code points.
  function selection() {
    const found = document.getSelection();
    if (!found.rangeCount || !found.toString().trim() || !$("said").contains(found.anchorNode)) { return null; }
    const text = found.toString().trim();
    const at = utterance.indexOf(text, Math.min(found.anchorOffset, found.focusOffset));
    if (at < 0) { return null; }
    const start = [...utterance.slice(0, at)].length;
    return { start, end: start + [...text].length, text };
  }

  const showKept = () => { $("kept").textContent = form ? form.write("") : ""; };

  function draw(found) {
    const row = found.row, questions = found.template.ask || [];
    utterance = row.utterance;
    $("said").textContent = utterance;
    showTurns($("turns"), row.turns);
    const titles = new Map(found.template.show.map((v) => [v.field, v.title || v.field]));
    const fields = Object.entries(row.fields);
    $("fields").hidden = !fields.length;
    $("fields").replaceChildren(...fields.flatMap(([name, value]) => {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = titles.get(name);
      dd.textContent = value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value);
      return [dt, dd];
    }));
    block.hidden = !found.has_calls;
    const hooks = { changed: showKept, selection, told: (m) => { $("lacking").textContent = m; }, marked: () => {}, callsBlock: block };
    const shown = questions.length ? questions : [{ title: "output", kind: found.template.card === "calls" ? "calls" : "input" }];
    form = MaksudForm(shown, $("form"), hooks);
    form.fill("");
    showKept();
    $("lacking").textContent = found.lacking.length ? t("lacking", { fields: found.lacking.join(", ") }) : "";
  }

  function read(delay) {
    window.clearTimeout(timer);
    timer = window.setTimeout(async () => {
      const mine = ++asked;
      try {
        const found = await send("/api/templates/read", { text: $("source").value, dataset: Number($("dataset").value) });
        if (mine === asked) { $("broken").textContent = ""; draw(found); }
      } catch (error) {
        if (mine === asked) { $("broken").textContent = error.message; }
      }
    }, delay);
  }

  // Puts a question at the end of its list; the text stays the only thing that is saved.
  function add(kind) {
    const list = kind === "conversation" ? "show:" : "ask:";
    const lines = $("source").value.replace(/\s*$/, "\n").split("\n");
    let at = lines.indexOf(list);
    if (at < 0) { lines.splice(lines.length - 1, 0, list); at = lines.length - 2; }
    let end = at + 1;
    while (end < lines.length && (/^[\s-]/.test(lines[end]))) { end++; }
    lines.splice(end, 0, ...snippets[kind].trimEnd().split("\n"));
    $("source").value = lines.join("\n");
    read(0);
  }

  $("source").addEventListener("input", () => read(250));
  $("dataset").addEventListener("change", () => read(0));
  for (const button of document.querySelectorAll("[data-add]")) {
    button.addEventListener("click", () => add(button.dataset.add));
  }
  read(0);
})();
