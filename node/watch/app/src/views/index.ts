/** Every view, in the order of the navigation: a new one is imported and named here, and nowhere else. */

import type { View } from "../context";
import { costs } from "./costs";
import { disputes } from "./disputes";
import { distances } from "./distances";
import { figures } from "./figures";
import { findings } from "./findings";
import { now } from "./now";
import { privacy } from "./privacy";
import { provenance } from "./provenance";
import { reputation } from "./reputation";
import { rounds } from "./rounds";
import { search } from "./search";
import { seats } from "./seats";

export const VIEWS: readonly View[] = [
  now, rounds, reputation, seats, distances, figures, costs, privacy, findings, disputes, provenance, search,
];
