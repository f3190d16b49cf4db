// What every page shares: sending JSON with the session's token, and forms that do it.
"use strict";
const Maksud = (function () {
  const texts = JSON.parse(document.body.dataset.texts);
  const csrf = document.querySelector("meta[name=csrf]").content;

  function t(key, parts) {
    let text = texts[key] || key;
    for (const [name, value] of Object.entries(parts || {})) {
      text = text.split("{" + name + "}").join(value);
    }
    return text;
  }

  // A refusal as it is told to people. `code` and `status` are there for the script.
  class Refusal extends Error {
    constructor(status, error, language) {
      const said = language === document.body.dataset.language;  // the server's own words say more
      super((!said && texts["code." + error.code]) || error.message);
      this.status = status;
      this.code = error.code;
    }
  }

  async function send(path, body) {
    const options = { headers: { accept: "application/json" }, credentials: "same-origin" };
    if (body !== undefined) {
      options.method = "POST";
      options.body = JSON.stringify(body);
      options.headers["content-type"] = "application/json";
      options.headers["x-csrf-token"] = csrf;
    }
    const answer = await fetch(path, options);
    let content = null;
    try { content = await answer.json(); } catch (error) { content = null; }
    if (!answer.ok) {
      const fallback = { code: "internal_error", message: answer.status + " " + answer.statusText };
      throw new Refusal(answer.status, (content && content.error) || fallback, answer.headers.get("content-language"));
    }
    if (content === null) { throw new TypeError("no answer"); }
    return content;
  }

  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  }

  function asBase64(file) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onerror = () => reject(reader.error);
      reader.onload = () => resolve(String(reader.result).split(",", 2)[1] || "");
      reader.readAsDataURL(file);
    });
  }

  async function bodyOf(form) {
    const body = {};
    for (const field of form.elements) {
      const kind = field.dataset.kind;
      if ("file" in field.dataset) {
        if (field.files[0].size > Number(field.dataset.most)) {  // not even read: it may be any size
          throw new Error(texts["code.body_too_large"] || t("file_too_large"));
        }
        body.file = field.files[0].name;
        body.content = await asBase64(field.files[0]);
      } else if (!field.name) {
        continue;
      } else if (kind === "flag") {
        if (field.checked) { body[field.name] = true; }
      } else if (kind === "no") {
        body[field.name] = false;
      } else if (kind === "percent") {
        body[field.name] = Number(field.value) / 100;
      } else if (kind === "time") {
        if (field.value) { body[field.name] = new Date(field.value).getTime() / 1000; }
      } else if (kind === "list" || kind === "numbers") {
        body[field.name] = body[field.name] || [];
        if (field.type !== "checkbox" || field.checked) {
          body[field.name].push(kind === "numbers" ? Number(field.value) : field.value);
        }
      } else {
        body[field.name] = kind === "number" ? Number(field.value) : field.value;
      }
    }
    if (form.hasAttribute("data-key")) { body.key = newKey(); }
    if (form.hasAttribute("data-link")) { body.link = location.hash.slice(1); }
    return body;
  }

  function after(then, answer, source) {
    const told = source.querySelector ? source.querySelector(".told") : null;
    if (then === "reload") {
      location.reload();
    } else if (then === "link") {
      const box = document.getElementById("link");
      const name = source.getAttribute("data-name") || answer.person.name;
      box.querySelector("span").textContent = t("link_is", { name: name });
      box.querySelector("input").value = location.origin + "/in#" + answer.link;
      box.hidden = false;
      box.querySelector("input").select();
    } else if (then === "version") {
      told.textContent = t("kept", { version: answer.version });
    } else {
      location.assign(then);
    }
  }

  // Never `form.dataset`: a field that is called "dataset" stands in its place.
  async function post(source, body) {
    const told = source.querySelector(".told");
    if (told) { told.textContent = ""; }
    try {
      const answer = await send(source.getAttribute("data-post"), body);
      after(source.getAttribute("data-then"), answer, source);
    } catch (error) {
      if (told) { told.textContent = error.message; } else { alertIn(error.message); }
    }
  }

  function alertIn(message) {
    const box = document.createElement("p");
    box.className = "alert";
    box.setAttribute("role", "alert");
    box.textContent = message;
    document.getElementById("content").prepend(box);
  }

  // Times in the reader's own zone and language; a deadline says how long it is off.
  function sayTimes() {
    const language = document.body.dataset.language;
    for (const time of document.querySelectorAll("time")) {
      const deadline = "deadline" in time.dataset;
      const at = new Date(1000 * Number(time.dataset.deadline || time.dataset.local));
      time.dateTime = at.toISOString();
      time.textContent = at.toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
      if (deadline) {
        const hours = (at - Date.now()) / 3600000, far = Math.abs(hours) >= 48;
        const span = new Intl.RelativeTimeFormat(language).format(Math.round(far ? hours / 24 : hours), far ? "day" : "hour");
        time.textContent += hours < 0 ? " · " + t("overdue") : " (" + span + ")";
        time.classList.toggle("late", hours < 0);
      }
    }
  }
  sayTimes();

  for (const form of document.querySelectorAll("form[data-post]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      try { await post(form, await bodyOf(form)); }
      catch (error) { form.querySelector(".told").textContent = error.message; }
      button.disabled = false;
    });
  }
  // What is wrong in a part that is folded up could not be shown.
  document.addEventListener("invalid", (event) => {
    const folded = event.target.closest("details");
    if (folded) { folded.open = true; }
  }, true);
  // A file's name is a good name for its data.
  for (const field of document.querySelectorAll("input[data-file]")) {
    const name = field.form.elements.namedItem("name");
    field.addEventListener("change", () => {
      if (name && !name.value && field.files.length) {
        name.value = field.files[0].name.replace(/\.[^.]*$/, "").slice(0, name.maxLength);
      }
    });
  }
  for (const button of document.querySelectorAll("button[data-post]")) {
    button.addEventListener("click", () => post(button, JSON.parse(button.dataset.body)));
  }
  if (location.hash.length > 20 && document.querySelector("[data-with-link]")) {
    document.querySelector("[data-with-link]").hidden = false;
    document.querySelector("[data-without-link]").hidden = true;
    for (const link of document.querySelectorAll("[data-keep-link]")) {
      link.href += location.hash;
    }
  }
  return { t, send, newKey, Refusal, language: document.body.dataset.language };
})();
