// The page: choose a round, and let the bundle verify itself. Text of strangers goes into text nodes and nowhere else.

import { Fault, toHex } from "./bytes.js";
import { sha256 } from "./hashes.js";
import { verifyBundle } from "./verify.js";

const MATRIX_SEATS = 40;

/**
 * @typedef {object} ShownRound
 * @property {number} number
 * @property {number[]} committed
 * @property {Record<string, {accepted: number[], rejected: number[], unjudged: number[]}>} judges
 * @property {number[]} found seats with findings
 */

/** @param {string} name @param {string | Node | (string | Node)[]} [content] @param {string} [kind] @returns {HTMLElement} */
function make(name, content = [], kind = "") {
  const element = document.createElement(name);
  element.append(...(Array.isArray(content) ? content : [content]));
  if (kind) element.className = kind;
  return element;
}

/** @param {string} id @returns {HTMLElement} */
function find(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id @returns {any} */
function readData(id) {
  return JSON.parse(/** @type {string} */ (find(id).textContent));
}

/** @param {ShownRound} round @returns {HTMLElement} */
function drawRound(round) {
  return round.committed.length <= MATRIX_SEATS ? drawMatrix(round) : drawLists(round);
}

/** @param {ShownRound} round @returns {HTMLElement} */
function drawMatrix(round) {
  const head = round.committed.map((seat) => {
    const cell = make("th", String(seat));
    cell.setAttribute("scope", "col");
    return cell;
  });
  const rows = round.committed.map((judge) => {
    const said = round.judges[judge];
    const name = make("th", String(judge), round.found.includes(judge) ? "found" : "");
    name.setAttribute("scope", "row");
    const cells = round.committed.map((seat) => {
      if (seat === judge) return make("td", "\u2013", "self");
      if (said === undefined) return make("td", "");
      if (said.accepted.includes(seat)) return make("td", "\u2713", "a");
      if (said.rejected.includes(seat)) return make("td", "\u2717", "r");
      return said.unjudged.includes(seat) ? make("td", "?", "u") : make("td", "");
    });
    return make("tr", [name, ...cells]);
  });
  const corner = make("th", "judge \u2193");
  return make("table", [make("thead", make("tr", [corner, ...head])), make("tbody", rows)], "matrix");
}

/** @param {ShownRound} round @returns {HTMLElement} */
function drawLists(round) {
  const heads = ["judge", "accepted", "rejected", "no verdict about"].map((text) => make("th", text));
  const rows = Object.entries(round.judges).map(([judge, said]) => {
    const cells = [said.accepted, said.rejected, said.unjudged].map((seats) => make("td", seats.join(" ")));
    return make("tr", [make("th", judge), ...cells], round.found.includes(Number(judge)) ? "found" : "");
  });
  return make("table", [make("thead", make("tr", heads)), make("tbody", rows)]);
}

function startRounds() {
  /** @type {ShownRound[]} */
  const rounds = readData("rounds-data");
  if (rounds.length === 0) return;
  const slider = /** @type {HTMLInputElement} */ (find("round-slider"));
  slider.max = String(rounds.length - 1);
  /** @param {number} place */
  const show = (place) => {
    const at = Math.max(0, Math.min(rounds.length - 1, place));
    const round = rounds[at];
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", `round ${round.number}`);
    find("round-name").textContent = `Round ${round.number}` + (round.found.length ? `, with findings about seat ${round.found.join(", ")}` : "");
    find("round-matrix").replaceChildren(drawRound(round));
  };
  slider.addEventListener("input", () => show(Number(slider.value)));
  find("round-before").addEventListener("click", () => show(Number(slider.value) - 1));
  find("round-after").addEventListener("click", () => show(Number(slider.value) + 1));
  const first = rounds.findIndex((round) => round.number === Number(find("round-matrix").dataset.round));
  show(first < 0 ? rounds.length - 1 : first);
}

const SIGNS = { right: "\u2713", wrong: "\u2717", unknown: "?" };

/** @param {File} file @param {HTMLElement} into */
async function verifyFile(file, into) {
  const report = readData("report-data");
  const told = make("p", `reading ${file.name} \u2026`);
  into.replaceChildren(told);
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const found = await verifyBundle(bytes, report.code, async (done, all, what) => {
      told.textContent = what;
      await new Promise((resolve) => setTimeout(resolve, 0));
    });
    into.replaceChildren(...describe(found, report, toHex(sha256(bytes))));
  } catch (error) {
    const why = error instanceof Fault ? error.message : `this page failed: ${error}`;
    into.replaceChildren(make("p", `Not verified: ${why}.`, "headline bad"));
  }
}

/** @param {import("./verify.js").Verdict} found @param {any} report @param {string} digest @returns {HTMLElement[]} */
function describe(found, report, digest) {
  const count = found.findingCount;
  const said = found.isClean ? "what it could check holds" : count === 0 ? "not all of it holds" : `${count} finding${count === 1 ? "" : "s"}`;
  const parts = [make("p", `This page's own reader: ${said}.`, found.isClean ? "headline" : "headline bad")];
  const isSame = found.contract === report.contract.toLowerCase() && found.chainId === report.chainId && found.block.number === report.head && found.block.hash === report.headHash;
  const isBundle = report.root === "" || report.root === found.root;
  if (!isSame) parts.push(make("p", `This bundle is of circle ${found.contract} on chain ${found.chainId}, block ${found.block.number} (${found.block.hash}): not the report's.`, "notice"));
  else if (!isBundle) parts.push(make("p", "This bundle is of the same circle and block, and not the file that the report was made from.", "notice"));
  else {
    const agrees = found.isClean === report.clean;
    parts.push(make("p", agrees ? "The report above says the same." : `The report above says ${report.clean ? "clean" : "not clean"}: it looks at more than this page does.`));
  }
  const lines = found.lines.map((line) => make("li", [`${SIGNS[line.is]} `, make("b", line.what), `: ${line.said}`]));
  parts.push(make("ul", lines, "lines"));
  const findings = found.findings.map((one) => make("li", `round ${one.round}, seat ${one.judge}: ${one.fact}`));
  if (findings.length) parts.push(make("ul", findings));
  if (count > findings.length) parts.push(make("p", `and ${count - findings.length} more`));
  parts.push(make("p", `The file's SHA-256 is ${digest}, its root ${found.root}.`, "faint"));
  return parts;
}

function startReader() {
  const [drop, input, into] = [find("drop"), /** @type {HTMLInputElement} */ (find("bundle")), find("verdict")];
  input.addEventListener("change", () => {
    if (input.files?.length) void verifyFile(input.files[0], into);
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      const files = /** @type {DragEvent} */ (event).dataTransfer?.files;
      if (name === "drop" && files?.length) void verifyFile(files[0], into);
    });
  }
}

/** Once the page is there. */
export function start() {
  document.body.classList.add("runs");
  startRounds();
  startReader();
  // What is folded up is no use on paper.
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((one) => {
      one.open = true;
    });
  });
}
