// Proposing a new intent or parameter: it may be used at once, and a leader has the last word.
"use strict";
// `done(intent, parameter)` is called when it was proposed; `close()` when the form is left.
function MaksudPropose(base, done, close) {
  const { t, send } = Maksud;
  const $ = (id) => document.getElementById(id);
  let intent = "";

  function open(name, ofIntent) {
    intent = ofIntent || "";
    $("propose-title").textContent = intent ? t("propose_parameter", { name: intent }) : t("propose_intent");
    $("propose-name").value = name;
    $("propose-description").value = "";
    $("propose-told").textContent = "";
    $("propose-form").hidden = false;
    $("propose-form").scrollIntoView({ block: "nearest" });
    (name ? $("propose-description") : $("propose-name")).focus();
  }

  function leave() { $("propose-form").hidden = true; close(); }

  $("propose-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = $("propose-name").value.trim();
    const body = { intent: intent || name, parameter: intent ? name : "", definition: { description: $("propose-description").value.trim() } };
    try {
      await send(base + "/proposals", body);
      $("propose-form").hidden = true;
      done(body.intent, body.parameter);
    } catch (error) { $("propose-told").textContent = error.message; }
  });
  $("propose-cancel").addEventListener("click", leave);
  $("propose-form").addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); leave(); }
  });
  return { open };
}
