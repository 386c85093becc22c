(() => {
  "use strict";
  const form = document.getElementById("filters");
  if (!form) return;
  const page = 20;
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const tokens = (text) => text.split(" ").filter(Boolean).map((token) => token.split("/"));
  const items = [...document.querySelectorAll("#examples > details")].map((node) => ({
    node,
    text: node.textContent.toLowerCase(),
    dataset: node.dataset.dataset,
    outcome: node.dataset.outcome,
    right: node.dataset.right,
    said: tokens(node.dataset.said),
    flags: tokens(node.dataset.flags),
  }));
  const value = (name) => (form.elements[name] ? form.elements[name].value : "");
  let limit = page;

  const fitsCase = (item, wanted) => {
    if (!wanted) return true;
    if (wanted === "missed") return item.outcome === "failed" && item.right !== "";
    if (wanted.startsWith("right:")) return item.right === wanted.slice("right:".length);
    return item.outcome === wanted;
  };
  const some = (pairs, thought, what) =>
    pairs.some(([name, found]) => (!thought || name === thought) && (!what || what === "*" || found === what));

  const apply = () => {
    const words = value("text").toLowerCase().split(/\s+/).filter(Boolean);
    const [dataset, wanted, thought, result, flag] = ["dataset", "case", "thought", "result", "flag"].map(value);
    let matching = 0;
    for (const item of items) {
      const fits = (!dataset || item.dataset === dataset) && fitsCase(item, wanted)
        && ((!thought && !result) || some(item.said, thought, result))
        && (!flag || some(item.flags, thought, flag))
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
  form.addEventListener("reset", () => setTimeout(restart));
  more.addEventListener("click", () => {
    const before = limit;
    limit += page;
    apply();
    const next = items.filter((item) => !item.node.hidden)[before];
    if (next) next.node.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-filter]");
    if (!link) return;
    form.reset();
    for (const [name, text] of new URLSearchParams(link.dataset.filter)) {
      const field = form.elements[name];
      if (field) field.value = text;
      if (field && field.value !== text) form.elements.text.value = `${name} ${text}`; // none of them is shown here
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href="#published"]');
    if (link) document.getElementById("published").open = true;
  });
  apply();
})();
