
(() => {
  "use strict";
  const form = document.getElementById("filters");
  if (!form) return;
  const page = 20;
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const items = [...document.querySelectorAll("#examples > details")].map((node) => ({
    node, text: node.textContent.toLowerCase(), dataset: node.dataset.dataset, outcome: node.dataset.outcome,
  }));
  let limit = page;
  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const dataset = form.elements.dataset.value;
    const outcome = form.elements.outcome.value;
    let matching = 0;
    for (const item of items) {
      const fits = (!dataset || item.dataset === dataset) && (!outcome || item.outcome === outcome)
        && words.every((word) => item.text.includes(word));
      item.node.hidden = !fits || ++matching > limit;
    }
    const listed = Math.min(matching, limit);
    shown.textContent = matching ? `${listed} listed of ${matching} that match` : "None of these examples matches.";
    more.hidden = matching <= limit;
    more.textContent = `Show ${Math.min(page, matching - listed)} more`;
  };
  const restart = () => { limit = page; apply(); };
  form.hidden = false;
  form.addEventListener("input", restart);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => { limit += page; apply(); });
  apply();
})();
