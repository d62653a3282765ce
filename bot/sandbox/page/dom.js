// Building the page's nodes. Text only ever becomes a text node: nothing in this page reads HTML out of a string.

/** One element: attributes by name, listeners as `onclick` and the like, then its children (null is left out). */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Text that somebody else chose: its writing direction stays its own affair. */
export function outside(text, attributes = {}) {
  return make("bdi", attributes, String(text));
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the decorative drawings in index.html. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

const drawn = new WeakMap(); // node -> the item that it shows

/**
 * Makes `parent` show `items`, in order. Each has a `key`; `build(item, before)` is called only for an item that is new
 * or changed, `before` being {node, item} of what stood there. What did not change keeps its node, so also its focus.
 */
export function draw(parent, items, build) {
  const old = new Map([...parent.children].map((node) => [drawn.get(node)?.key, node]));
  const nodes = items.map((item) => {
    const node = old.get(item.key);
    old.delete(item.key);
    if (!node) return remember(build(item, null), item);
    if (same(drawn.get(node), item)) return node;
    return swap(node, remember(build(item, { node, item: drawn.get(node) }), item));
  });
  for (const gone of old.values()) gone.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

function remember(node, item) {
  drawn.set(node, structuredClone(item));
  return node;
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Puts `fresh` where `node` was. A keyboard that was inside stays on the same part, or else on the whole. */
function swap(node, fresh) {
  const active = node.contains(document.activeElement) ? document.activeElement : null;
  node.replaceWith(fresh);
  if (active) {
    const part = active.dataset.part && fresh.querySelector(`[data-part="${CSS.escape(active.dataset.part)}"]`);
    (part || fresh).focus();
  }
  return fresh;
}

/** Tells a screen reader, without moving anything on the screen. */
export function announce(sentence) {
  document.getElementById("announcer").append(make("p", {}, sentence));
  const said = document.getElementById("announcer").children;
  if (said.length > 5) said[0].remove();
}
