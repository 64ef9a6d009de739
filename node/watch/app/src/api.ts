/** What the server answers, and how it is asked. Seats are numbers, times Unix seconds, digests hex, CIDs text. */

export interface Circle {
  source: { kind: "live" | "bundle"; says: string; endpoint?: string; bundle?: string; root?: string };
  program: string;
  chainId: number;
  contract: string;
  task: string;
  rule: string;
  codec: string;
  degree: number;
  lastRound: number;
  openedAtS: number | null;
  /** 0 to 1: below it a seat is quarantined. */
  floor: number;
  terms: Record<string, unknown>;
  privacy: Record<string, unknown> | null;
  origin: Record<string, unknown> | null;
}

export interface Following {
  state: "live" | "stale" | "finished" | "bundle";
  says: string;
  sinceS: number;
}

export interface Now {
  /** Rises whenever anything changed. */
  revision: number;
  block: number;
  /** Null until the block's time has been read. */
  blockTimeS: number | null;
  round: number;
  phase: string;
  deadlineS: number | null;
  roster: number[];
  committed: number[];
  attested: number[];
  waitedFor: number[];
  openDisputes: number;
  findings: number | null;
  /** block: up to which it has reported; null before its first report. isWhole: nothing of that was left out. */
  audit: { state: "off" | "working" | "done" | "failed" | "report"; block: number | null; isWhole: boolean };
  following: Following;
}

export interface Notice {
  kind: string;
  says: string;
}

export interface Seat {
  seat: number;
  /** Self-chosen, nobody checked it. */
  name: string | null;
  /** What is remarkable about the name, e.g. that another seat's looks like it. */
  nameMarks: string[];
  peer: string;
  cold: string;
  endpoint: string;
  state: string;
  reputation: number;
  standing: string[];
  committed: boolean;
  attested: boolean;
  lastRound: { round: number; committed: boolean; attested: boolean; accepted: number; rejected: number; unjudged: number } | null;
  notices: Notice[];
}

/** One entry a round in each column. */
export interface Rounds {
  number: number[];
  committed: number[];
  attested: number[];
  accepted: number[];
  rejected: number[];
  unjudged: number[];
  openedAtS: (number | null)[];
  drawnAtS: (number | null)[];
  settledAtS: (number | null)[];
}

export interface Timed {
  timeS: number | null;
  /** Between which times, where the block's own is not to be had, as in a bundle. */
  betweenS: [number, number] | null;
}

export interface Placed extends Timed {
  block: number | null;
  tx: string | null;
}

export interface Commit extends Placed {
  seat: number;
  digest: string;
  cid: string;
}

export interface Judge extends Placed {
  judge: number;
  accepted: number[];
  rejected: number[];
  unjudged: number[];
  record: { digest: string; cid: string } | null;
}

export interface Happening extends Placed {
  kind: string;
  seat: number | null;
  says: string;
}

export interface Round {
  number: number;
  seed: string | null;
  roster: number[];
  phaseTimes: Record<string, number | null>;
  commits: Commit[];
  judges: Judge[];
  timeline: Happening[];
}

/** Reputations from 0 to 65535; null where a seat had none. */
export interface Reputations {
  rounds: number[];
  seats: Record<string, (number | null)[]>;
  band: { least: (number | null)[]; median: (number | null)[]; most: (number | null)[] };
}

export interface Hit {
  kind: "seat" | "round" | "cid" | "address" | "name";
  label: string;
  href: string;
}

/** The server answered with a sentence about what is wrong. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    sentence: string,
  ) {
    super(sentence);
  }
}

const PATIENCE_MS = 30_000;

/** Fetch one JSON value. Raises Refusal with the server's sentence, or one about the connection. */
export async function fetchJson<Value>(path: string, signal?: AbortSignal): Promise<Value> {
  return JSON.parse(await fetchText(path, signal)) as Value;
}

/** The same as text. */
export async function fetchText(path: string, signal?: AbortSignal): Promise<string> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let answer: Response;
  try {
    answer = await fetch(path, { signal: signal ? AbortSignal.any([signal, patience]) : patience });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    const why = patience.aborted ? "did not answer in 30 seconds" : "cannot be reached";
    throw new Refusal(0, `The page's server ${why}: is \`folkmoot watch\` still running?`);
  }
  if (!answer.ok) {
    throw new Refusal(answer.status, await readSentence(answer));
  }
  return answer.text();
}

async function readSentence(answer: Response): Promise<string> {
  try {
    const told: unknown = await answer.json();
    if (typeof told === "object" && told !== null && "error" in told && typeof told.error === "string") {
      return told.error;
    }
  } catch {
    // Not JSON: the status alone has to do.
  }
  return `The server answered with status ${answer.status}.`;
}
