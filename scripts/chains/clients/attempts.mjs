// For the scripts beside it: tries things one after the other and says of each, in a line of JSON, what came of it.
import { readFileSync } from "node:fs";

export const [url, key, other] = process.argv.slice(2);
export const { abi, bytecode } = JSON.parse(readFileSync("notebook.json"));
const PATIENCE_MS = 15_000;

export async function attempt(name, call) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(Error("no answer")), PATIENCE_MS)));
  try {
    const said = await Promise.race([call(), late]);
    const shown = typeof said === "bigint" ? `${said}` : JSON.stringify(said, (_, v) => (typeof v === "bigint" ? `${v}` : v));
    console.log(JSON.stringify({ name, ok: true, said: String(shown).slice(0, 100) }));
  } catch (error) {
    const said = String(error.details ?? error.error?.message ?? error.shortMessage ?? error.message);
    console.log(JSON.stringify({ name, ok: false, said: said.slice(0, 160) }));
  } finally {
    clearTimeout(timer);
  }
}

export function must(holds, what) {
  if (!holds) throw Error(`not so: ${what}`);
  return true;
}

// What `listen` hears first, once `act` is over, too.
export async function heard(listen, act) {
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  await listen(tell);
  await act();
  return told;
}
