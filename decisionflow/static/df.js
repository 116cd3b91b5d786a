/* Enhancements only: every page works without this file. htmx is set up by the meta tag in base.html. */
(function () {
  "use strict";
  var d = document, root = d.documentElement;
  if (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches) {
    root.dataset.bsTheme = "dark";
  }

  /* The answer to an act takes the focus: error summary or refusal card, else what was swapped, never <body>. */
  function lost() { return !d.activeElement || d.activeElement === d.body; }
  function take(el) {
    if (!el.hasAttribute("tabindex")) { el.tabIndex = -1; }
    el.focus();
  }
  addEventListener("load", function () {
    var answer = d.querySelector("[data-focus]");
    if (answer && lost() && !location.hash) { take(answer); }
  });
  d.addEventListener("htmx:afterSettle", function (e) {
    var box = d.contains(e.target) ? e.target : d.getElementById("main");
    var answer = box.matches("[data-focus]") ? box : box.querySelector("[data-focus]");
    var by = (e.detail.requestConfig || {}).triggeringEvent;
    if (answer) { take(answer); } else if (by && by.isTrusted && lost()) { take(box); }
  });

  /* A second press within ten seconds is dropped; the server knows it by its key anyway. */
  function free(form) { form.removeAttribute("data-busy"); }
  d.addEventListener("submit", function (e) {
    var form = e.target;
    if (form.method !== "post") { return; }
    if (form.hasAttribute("data-busy")) { e.preventDefault(); e.stopImmediatePropagation(); return; }
    form.setAttribute("data-busy", "");
    setTimeout(free, 10000, form);
  }, true);
  d.addEventListener("htmx:afterRequest", function (e) {
    var form = e.target.closest && e.target.closest("form");
    if (form) { free(form); }
  });
  addEventListener("pageshow", function () { d.querySelectorAll("[data-busy]").forEach(free); });

  /* What could not be delivered is said in words. */
  function failed() {
    var live = d.getElementById("df-live");
    live.textContent = live.dataset.failed;
  }
  d.addEventListener("htmx:responseError", failed);
  d.addEventListener("htmx:sendError", failed);

  /* Paper shows everything: folded parts open for printing and close again. */
  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.from(d.querySelectorAll("details:not([open])"));
    opened.forEach(function (x) { x.open = true; });
  });
  addEventListener("afterprint", function () { opened.forEach(function (x) { x.open = false; }); });
  d.addEventListener("click", function (e) { if (e.target.closest("[data-print]")) { print(); } });
})();
