// The leader's pages about help and quality: looks how far a job is, and shows what came of it.
"use strict";
(function () {
  const { send } = Maksud;
  const path = document.getElementById("assist").dataset.path;

  async function look() {
    const boxes = [...document.querySelectorAll("[data-job][data-state=running]")];
    if (!boxes.length) { return; }
    let found = null;
    try { found = await send(path); } catch (error) { found = null; /* looked at again */ }
    for (const box of found ? boxes : []) {
      const job = found.jobs[box.dataset.job];
      if (!job || job.state !== "running") { location.reload(); return; }
      box.querySelector("progress").value = job.done;
      box.querySelector("[data-told]").textContent = job.told;
    }
    window.setTimeout(look, 2000);
  }

  look();
})();
