/** What the search found: seats, rounds, CIDs, addresses, names. */

import type { Hit } from "../api";
import type { View } from "../context";
import { make, refill } from "../dom";
import { count } from "../format";

const KINDS: Record<Hit["kind"], string> = {
  seat: "seat", round: "round", cid: "content", address: "address", name: "self-chosen name",
};

export const search: View = {
  title: "Search",
  path: "search",
  hidden: true,
  show(root, context, { query }) {
    const asked = (query.get("q") ?? "").trim();
    if (asked === "") {
      root.append(make("p", {}, "Type a seat, a round, a CID, a digest, an address or a name into the box above. The key / goes there."));
      return;
    }
    root.append(make("p", {}, "For ", make("q", {}, asked), ":"));
    context.follow(
      root,
      () => context.get<Hit[]>(`/api/search?q=${encodeURIComponent(asked)}`),
      (box, hits) => {
        const found = hits.length === 0
          ? make("p", {}, "Nothing in this circle has that. Whole numbers find seats and rounds, digests and CIDs what they name; of addresses the beginning is enough.")
          : make("ul", { class: "hits" }, ...hits.map(showHit));
        refill(box, found);
        context.announce(hits.length === 0 ? "Nothing found." : `${count(hits.length, "result")}.`);
      },
      "what was found",
    );
  },
};

function showHit(hit: Hit, index: number): HTMLElement {
  // A link of the page's own and no other, whatever the answer says.
  const label = make("bdi", {}, hit.label);
  const link = hit.href.startsWith("#/") ? make("a", { href: hit.href, "data-key": `hit ${index}` }, label) : label;
  return make("li", {}, make("span", { class: "kind" }, KINDS[hit.kind] ?? hit.kind), " ", link);
}
