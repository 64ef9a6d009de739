"""Why the contract refused, for people: each of its `module: fact` reasons as a sentence with a next step."""

from types import MappingProxyType
from typing import Final

from ledger.chain.rpc import answers
from ledger.untrusted.text import make_printable

_CLOCKS: Final = "look at the round with `folkmoot status`, a node tries again by itself"
_VERDICT: Final = "update this node, and report it if it is up to date"
_EQUIVOCATION: Final = "check what the two announcements say before reporting again"
_TERMS: Final = "choose another value and deploy again"
_DISPUTE: Final = "look at it with `folkmoot disputes`"

_SENTENCES: Final = {
    "circle: manifest is empty": "the circle has no task: deploy it with `folkmoot deploy --task`",
    "circle: chain's clock is not in seconds": (
        "the chain counts time in smaller units than seconds: choose a chain whose blocks carry Unix seconds"
    ),
    "circle: start seats not in 2..256": "a circle starts with 2 to 256 peers: choose another --peers",
    "circle: quorum not in 2..start seats": "the quorum is 2 to as many as --peers: choose another --quorum",
    "circle: last round not in 1..2^21-1": "a circle has 1 to 2097151 rounds: choose another --rounds",
    "circle: commit window not in 1 s..30 days": "a window is 1 second to 30 days: choose another --commit-window",
    "circle: attest window not in 1 s..30 days": "a window is 1 second to 30 days: choose another --attest-window",
    "circle: degree not in 1..20": "a peer judges 1 to 20 neighbours: choose another --degree",
    "circle: reputation shift not in 1..8": f"the reputation shift is 1 to 8: {_TERMS}",
    "circle: reputation floor not in 256..32767": f"the reputation floor is 256 to 32767: {_TERMS}",
    "circle: eject after not in 0..255 rounds": f"ejection comes after 1 to 255 rounds, or never with 0: {_TERMS}",
    "circle: bond not in 0..2^128 wei": f"a bond is below 2^128 wei: {_TERMS}",
    "circle: court is not this version's": (
        "the court named to the circle has other code than this version's: name another --court, or none"
    ),
    "circle: disputes need a bond": (
        "a judge that is convicted in a dispute pays with its bond: choose a --bond, or no --dispute-bond"
    ),
    "circle: unbonding below 8 dispute windows": (
        "a dispute would outlast the bond it is about: choose an --unbonding of 8 dispute windows or more"
    ),
    "circle: unbonding not in 0 s..365 days": f"unbonding takes 0 seconds to 365 days: {_TERMS}",
    "circle: rotation delay not in 0 s..365 days": f"a rotation takes 0 seconds to 365 days: {_TERMS}",
    "circle: dispute window not in 1 s..30 days": f"a stage of a dispute takes 1 second to 30 days: {_TERMS}",
    "circle: jury seats not in 1..21": f"a jury has 1 to 21 seats: {_TERMS}",
    "circle: admission not in 0..2": "admission is open, inviter or members: choose one with --admission",
    "circle: inviter does not fit admission": (
        "an open circle has no inviter, and any other needs one: give --admission and --inviter together"
    ),
    "join: already seated": "this key has a seat already: start its node with the folder it had, or another key",
    "join: circle is finished": "the circle has finished its last round: join another, or deploy a new one",
    "join: cold key is empty": "the seat needs a cold key: name the address that may leave and rotate with it",
    "join: invitation has expired": "the invitation has expired: ask for a new one",
    "join: invitation is not signed": "the invitation carries no valid signature: ask for a new one",
    "join: invitation was used": "the invitation was used already: ask for a new one",
    "join: inviter lacks standing": (
        "the member who invited has too low a reputation to do so: ask another member for an invitation"
    ),
    "join: inviter may not invite": (
        "who signed the invitation may not invite to this circle, or signed it for another peer or circle: "
        "ask the circle's inviter, with your node's address"
    ),
    "join: no free seat": "all 256 seats of the circle are taken: wait for one to be released, or join another",
    "join: value is not the bond": "the circle asks for another bond than was sent: update this node",
    "seat: caller has none": "this key has no seat in the circle, or lost it: see `folkmoot status`, then join",
    "seat: caller is not its cold key": "only the seat's cold key may do that: use its keystore",
    "seat: endpoint is empty": "the endpoint is empty: name the host others reach this peer at with --advertise",
    "seat: endpoint is not printable": (
        "the endpoint holds other characters than printable ASCII: choose another --advertise"
    ),
    "seat: is not held": "nobody holds that seat: look at the seats with `folkmoot status`",
    "seat: no such number": "seats are numbered 0 to 255: look at the seats with `folkmoot status`",
    "seat: key has a seat": "that key has a seat already: choose a fresh one, see `folkmoot keys new`",
    "seat: key is another seat's": (
        "that key belonged to a seat whose bond is still held: wait for its release, or choose a fresh key"
    ),
    "wake: circle is finished": "the circle has finished its last round: there is nothing to wake up for",
    "commit: already committed": f"this round has this peer's update already: {_CLOCKS}",
    "commit: digest is empty": f"the update has no digest: {_VERDICT}",
    "commit: not on the roster": f"the round under way does not count on this peer, the next one will: {_CLOCKS}",
    "commit: not this round": f"the circle is in another round by now: {_CLOCKS}",
    "commit: phase is closed": f"the commit phase of the round is over: {_CLOCKS}",
    "attest: accepted an unjudged one": f"the verdicts contradict themselves: {_VERDICT}",
    "attest: already attested": f"this round has this peer's verdicts already: {_CLOCKS}",
    "attest: not this round": f"the circle is in another round by now: {_CLOCKS}",
    "attest: not this round's seed": f"the chain has drawn this round's neighbours anew: {_CLOCKS}",
    "attest: phase is closed": f"the attest phase of the round is over: {_CLOCKS}",
    "attest: seed is lost": (
        "nobody attested in the 256 blocks after the commit phase closed: a node has it drawn again by itself"
    ),
    "attest: seed is not drawn yet": f"the seed follows from the block that is being made: {_CLOCKS}",
    "attest: record is empty": f"the record has no digest: {_VERDICT}",
    "advance: commit phase is not due": f"the commit phase still waits for peers or for its deadline: {_CLOCKS}",
    "advance: round is to be given up": "nobody attested for too long: settle the round, which gives it up",
    "advance: seed is not lost": f"the round's seed is known: there is nothing to draw again, {_CLOCKS}",
    "advance: phase is not commit": f"no commit phase is open: {_CLOCKS}",
    "settle: attest phase is not due": f"the attest phase still waits for peers or for its deadline: {_CLOCKS}",
    "settle: not this round": f"another peer has settled this round: {_CLOCKS}",
    "settle: phase is not attest": f"there is nothing to settle now: {_CLOCKS}",
    "eject: neither low nor absent": (
        "that seat has neither been quarantined nor been away for as many rounds in a row as the circle asks: wait"
    ),
    "eject: seat is not held": "nobody holds that seat: look at the seats with `folkmoot status`",
    "release: a dispute is open": "a dispute about that seat is open: resolve it first",
    "release: seat is in a round": "that seat still takes part in the round under way: wait for its settlement",
    "release: seat is not given up": "that seat is still held: it has to leave or be ejected first",
    "release: unbonding is not over": "that seat's unbonding time is not over: wait for it",
    "rotate: delay is not over": "the new keys are not in force before the circle's rotation delay is over: wait",
    "rotate: key is empty": "a seat needs a hot and a cold key: name both addresses",
    "rotate: no rotation is under way": "no rotation of that seat's keys is under way: announce the new keys first",
    "rotate: not the new key": "only the announced hot key puts a rotation in force: use its keystore",
    "rotate: seat is in a round": "that seat takes part in the round under way: wait for its settlement",
    "withdraw: caller refuses coin": "the account is a contract that takes no coin: withdraw with another kind",
    "withdraw: nothing is owed": "the circle owes this account nothing: look with the key that left or was paid",
    "equivocation: author has no seat": f"who signed holds no seat any more: {_EQUIVOCATION}",
    "equivocation: bad signature": f"the author did not sign both announcements: {_EQUIVOCATION}",
    "equivocation: nothing to lose": f"that seat was punished already: {_EQUIVOCATION}",
    "equivocation: already proved": f"the author was convicted of that round before: {_EQUIVOCATION}",
    "equivocation: before it joined": (
        f"the announcements are of a round before the author joined: {_EQUIVOCATION}"
    ),
    "equivocation: same digest twice": f"the two announcements say the same: {_EQUIVOCATION}",
    "dispute: already disputed": f"this claim was raised before: {_DISPUTE}",
    "dispute: asks for no record": "a claim without evidence only asks a judge for its record: name no target",
    "dispute: circle has none": "the circle was deployed without disputes: publish the audit's findings",
    "dispute: judge has no seat": "the judge holds no seat any more: there is nothing to claim from it",
    "dispute: judge joined later": "the judge joined after that round: check round and seat",
    "dispute: not in good standing": (
        "only a seat may ask that is not in quarantine, not suspended, and has half of its bond left: "
        "claim with evidence instead"
    ),
    "dispute: round is not settled": "that round is not settled yet: dispute after its settlement",
    "dispute: round is too long ago": "verdicts can be disputed for 256 rounds: publish the audit's findings",
    "dispute: seat asks already": "this seat has asked one judge already: wait until that dispute is over",
    "dispute: target is no seat": "nobody ever took the seat it is about: check the seats",
    "dispute: too few are bonded": (
        "fewer seats than the circle's quorum have a bond there, so nobody can decide: publish the audit's findings"
    ),
    "dispute: too late to end": (
        "a dispute takes four windows, and who has left may have its bond back by then: publish the findings"
    ),
    "dispute: value is not the bond": "the circle asks for another dispute bond than was sent: send that amount",
    "summon: no jury is to be drawn": "that dispute has a jury or never was: check its number",
    "summon: not in these 256 blocks": (
        "a jury is drawn in one of the 256 blocks after the dispute's: try in the next block, or raise it again"
    ),
    "summon: window is over": "the dispute lapsed without a jury: resolve it, then raise it again",
    "vote: already voted": "this seat has voted on that dispute: wait for the others",
    "vote: not asked": "this seat is not asked in that dispute's present stage: leave it to those who are",
    "vote: not in good standing": (
        "a seat that is quarantined, suspended or has lost half of its bond does not vote: leave it to the others"
    ),
    "vote: not this claim": f"the vote names another claim than that dispute's: {_DISPUTE}",
    "appeal: not this claim": f"the appeal names another claim than that dispute's: {_DISPUTE}",
    "appeal: nothing to appeal": f"that dispute is not open to an appeal: {_DISPUTE}",
    "appeal: value is not the bond": "an appeal takes four dispute bonds: send that amount",
    "appeal: window is over": "nobody appealed in time: anyone may resolve the dispute now",
    "restart: not its key": "only the seat's hot or cold key starts it anew: use its keystore",
    "restart: seat is in a round": "that seat takes part in the round under way: wait for its settlement",
    "vote: no such open dispute": "that dispute is resolved or never was: check its number",
    "vote: window is over": "the vote on that dispute is over: anyone may resolve it now",
    "resolve: no such open dispute": "that dispute is resolved or never was: check its number",
    "resolve: votes are still open": "the dispute's stage is neither decided nor at its deadline: wait",
}

SENTENCES = MappingProxyType(_SENTENCES)
_ERROR_SELECTOR: Final = "0x08c379a0"
_DATA_MAX: Final = 4096


def decode_revert_reason(data: str | None) -> str | None:
    """The text of Error(string) in revert data, 0x-prefixed hex; some endpoints tell the reason only there."""
    if data is None or not data.startswith(_ERROR_SELECTOR) or len(data) > _DATA_MAX:
        return None
    try:
        return make_printable(
            str(answers.decode_abi_values(["string"], bytes.fromhex(data[len(_ERROR_SELECTOR) :]))[0])
        )
    except ValueError:
        return None


def explain_revert(text: str) -> str | None:
    """The sentence for the contract's reason in an endpoint's error or a revert; None where it holds none."""
    found = [reason for reason in SENTENCES if reason in text]
    # No reason is lost in a longer one that begins like it.
    return SENTENCES[max(found, key=len)] if found else None
