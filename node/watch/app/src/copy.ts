/** A button that copies a long name. */

import { make, say } from "./dom";

const SHOWN_MS = 1_500;

/** what: said to people who do not see the screen, e.g. `the CID`. */
export function copyButton(text: string, what: string): HTMLButtonElement {
  const button = make("button", {
    type: "button", class: "copy", "aria-label": `Copy ${what}`, title: `Copy ${what}`, "data-key": `copy ${text}`,
    on: {
      click: () => {
        void copy(text).then((isDone) => {
          say(button, isDone ? "copied" : "failed");
          setTimeout(() => say(button, "copy"), SHOWN_MS);
        });
      },
    },
  }, "copy");
  return button;
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** A long name cut short, whole in its title, and its copy button. */
export function named(text: string, what: string, shown: string): HTMLElement {
  return make("span", { class: "named" }, make("code", { title: text }, shown), copyButton(text, what));
}
