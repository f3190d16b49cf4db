// After an answer: the nearly identical utterances that nobody has labelled, to be answered likewise.
"use strict";
(function () {
  const { t, send, newKey } = Maksud;
  const $ = (id) => document.getElementById(id);
  let offered = null, key = "", busy = false;

  const words = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || [];

  // The utterance with the words marked that the answered one does not have.
  function differing(text, other) {
    const known = new Set(words(other));
    return text.split(/([\p{L}\p{N}]+)/u).map((part, k) => {
      if (k % 2 === 0 || known.has(part.toLowerCase())) { return part; }
      const mark = document.createElement("mark");
      mark.textContent = part;
      return mark;
    });
  }

  function close() {
    offered = null;
    $("alike").hidden = true;
  }

  function draw() {
    $("alike-told").textContent = "";
    $("alike-answer").textContent = t("alike_answer", { text: offered.said });
    $("alike-items").replaceChildren(...offered.items.map((o) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      const said = document.createElement("bdi");
      label.className = "check";
      box.type = "checkbox";
      box.value = String(o.item);
      box.checked = o.same;
      said.append(...differing(o.utterance, offered.utterance));
      label.append(box, said);
      return label;
    }));
    $("alike").hidden = false;
  }

  async function look(saved) {
    close();
    $("alike-done").textContent = "";
    if (saved.kind !== "answer") { return; }
    let found = null;
    try { found = await send(saved.base + "/items/" + saved.item + "/alike"); } catch (error) { return; }
    if (!found.items.length) { return; }
    offered = { ...found, base: saved.base };
    key = newKey();
    draw();
  }

  async function answer() {
    if (!offered || busy) { return; }
    const chosen = [...$("alike-items").querySelectorAll("input:checked")].map((box) => Number(box.value));
    if (!chosen.length) { close(); return; }
    busy = true;
    try {
      const path = offered.base + "/items/" + offered.item + "/likewise";
      const done = await send(path, { items: chosen, key });
      const told = [t("alike_done", { n: done.saved.length })];
      if (done.refused.length) { told.push(t("alike_refused", { n: done.refused.length })); }
      close();
      $("alike-done").textContent = told.join(" · ");
      $("content").focus({ preventScroll: true });
    } catch (error) {
      $("alike-told").textContent = error instanceof Maksud.Refusal ? error.message : t("offline");
    } finally {
      busy = false;
    }
  }

  document.addEventListener("maksud:saved", (event) => look(event.detail));
  $("alike-send").addEventListener("click", answer);
  $("alike-leave").addEventListener("click", close);
  document.addEventListener("keydown", (e) => {
    if (!offered || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) { return; }
    if (e.target.closest("textarea, select, input:not([type=checkbox])")) { return; }
    if (e.key.toLowerCase() === "l") { answer(); e.preventDefault(); }
  });
})();
