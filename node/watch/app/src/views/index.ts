/** Every view, in the order of the navigation: a new one is imported and named here, and nowhere else. */

import type { View } from "../context";
import { now } from "./now";
import { search } from "./search";

export const VIEWS: readonly View[] = [now, search];
