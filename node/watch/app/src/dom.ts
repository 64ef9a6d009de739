/** Elements made by hand. Text goes in as text, never as markup: peers choose their endpoints and names. */

export type Child = Node | string | number | null | undefined | false;
type Value = string | number | boolean | null | undefined;
type Handlers = { [name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[name]) => void };

export interface Attributes {
  /** Listeners by the event's name. */
  on?: Handlers;
  [name: string]: Value | Handlers;
}

/** Make an element. `true` sets an attribute without a value; null, undefined and false leave it out. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAll(element, attributes);
  element.append(...kept(children));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** The same for a picture. */
export function draw<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS(SVG, tag);
  setAll(element, attributes);
  element.append(...kept(children));
  return element;
}

function setAll(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value as Handlers)) {
        element.addEventListener(event, handler as EventListener);
      }
    } else if (name === "style") {
      throw new Error("the page's policy forbids style attributes: use a class, or element.style.setProperty");
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

function kept(children: Child[]): (Node | string)[] {
  return children
    .filter((child): child is Node | string | number => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "number" ? String(child) : child));
}

/** Replace what an element holds; whatever had the focus and has the same `data-key` afterwards keeps it. */
export function refill(element: Element, ...children: Child[]): void {
  const active = document.activeElement;
  const key = active && element.contains(active) ? active.getAttribute("data-key") : null;
  element.replaceChildren(...kept(children));
  if (key !== null) {
    for (const found of element.querySelectorAll<HTMLElement>("[data-key]")) {
      if (found.dataset["key"] === key) {
        found.focus({ preventScroll: true });
        break;
      }
    }
  }
}

/** Change an element's text only where it is another, so that nothing is announced or drawn for nothing. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
