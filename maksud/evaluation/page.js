// Shows and hides what the page holds. Without it everything is shown.
(function () {
  "use strict";
  function fold(text) { return text.normalize("NFKC").toLowerCase(); }

  // A link into something folded away opens it.
  function reveal() {
    var id = location.hash.slice(1);
    var target = id && document.getElementById(id);
    if (!target) { return; }
    for (var up = target; up; up = up.parentElement) {
      if (up.tagName === "DETAILS") { up.open = true; }
    }
    target.scrollIntoView({ block: "center" });
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  var filters = document.getElementById("filters");
  if (!filters) { return; }
  var search = filters.querySelector("input");
  var selects = Array.from(filters.querySelectorAll("select"));
  var more = document.getElementById("more");
  var most = 50;
  var count = document.getElementById("shown");
  var items = Array.from(document.querySelectorAll("#found > li"));
  var texts = items.map(function (item) { return fold(item.textContent); });

  function apply() {
    var words = fold(search.value).split(/\s+/).filter(Boolean);
    var found = 0;
    items.forEach(function (item, k) {
      var fits = words.every(function (word) { return texts[k].includes(word); })
        && selects.every(function (select) {
          return !select.value || item.getAttribute("data-" + select.name) === select.value;
        });
      found += fits ? 1 : 0;
      item.hidden = !fits || found > most;
    });
    count.textContent = found.toLocaleString("en") + " of " + items.length.toLocaleString("en");
    more.hidden = found <= most;
    more.textContent = "show the other " + (found - most).toLocaleString("en");
  }
  more.addEventListener("click", function () { most = Infinity; apply(); });
  search.addEventListener("input", apply);
  selects.forEach(function (select) { select.addEventListener("change", apply); });
  filters.hidden = false;
  apply();
})();
