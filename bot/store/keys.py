"""Every key there is. A script's keys share a slot: what is raised in one, what chats hold in another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

SCHEMA = 2
LIVE = "live"
"""The namespace of everything that is no replay."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one namespace: `live`, or `replay-<id>`, which nothing live ever reads.

    Names that come from outside a chat's or an instrument's own identity are hashed, so that no key can be
    made to mean another. Those of an earlier `schema` are asked for only to bring what they hold over.
    """

    namespace: str
    schema: int = SCHEMA

    @property
    def raised(self) -> str:
        """What the keys of the raising side begin with."""
        return f"{self.namespace}:{self.schema}:{{r0}}:"

    @property
    def chats(self) -> str:
        """What the keys of the chats' side begin with; scripts that walk chats build theirs from it."""
        return f"{self.namespace}:{self.schema}:{{c0}}:"

    def stamp(self) -> str:
        """The schema that the data of this namespace is written in, whichever that is."""
        return f"{self.namespace}:schema"

    def born(self) -> str:
        """The mark that tells this data from what comes after all of it is lost."""
        return f"{self.raised}born"

    def lease(self) -> str:
        """Who the active worker is, and until when."""
        return f"{self.raised}lease"

    def epoch(self) -> str:
        """How often the lease has changed hands: what fences a worker that lost it."""
        return f"{self.raised}epoch"

    def slots(self) -> str:
        """Which slot of each job that comes round was claimed last, and whether it is done."""
        return f"{self.raised}slots"

    def jobs(self) -> str:
        """Raised alerts that are still to be fanned out, oldest first."""
        return f"{self.raised}jobs"

    def recent(self) -> str:
        """The fingerprints of the last alerts, newest first."""
        return f"{self.raised}recent"

    def alert(self, fingerprint: str) -> str:
        """An alert's facts."""
        return f"{self.raised}alert:{fingerprint}"

    def ladder(self, revision: str, symbol: str) -> str:
        """A rule's furthest told steps on one instrument, by episode and direction."""
        return f"{self.raised}ladder:{revision}:{_hashed(symbol)}"

    def own(self) -> str:
        """What the keys of the chats' own rules begin with; their script builds some from it."""
        return f"{self.raised}own:"

    def own_slots(self) -> str:
        """How many slots there are for the chats' own rules."""
        return f"{self.own()}slots"

    def own_free(self) -> str:
        """The numbers that the next own rules are given, of slots that have become free."""
        return f"{self.own()}free"

    def own_names(self) -> str:
        """What own rules of one threshold measure, and where, each with its number."""
        return f"{self.own()}names"

    def own_general(self) -> str:
        """The own rules that are not one threshold, with the symbols they look at."""
        return f"{self.own()}general"

    def own_changed(self) -> str:
        """How often an own rule was added, edited or removed."""
        return f"{self.own()}changed"

    def own_changes(self) -> str:
        """The last of these changes."""
        return f"{self.own()}changes"

    def own_of(self, chat: str) -> str:
        """The numbers of a chat's own rules."""
        return f"{self.own()}of:{_hashed(chat)}"

    def own_texts(self, bucket: int) -> str:
        """The lines of a few own rules, and whose they are."""
        return f"{self.own()}texts:{bucket}"

    def own_rows(self, page: int) -> str:
        """The thresholds of a page of slots, packed."""
        return f"{self.own()}rows:{page}"

    def own_ladder(self, symbol: str) -> str:
        """What was told of all own rules on one instrument, by rule, direction and episode."""
        return f"{self.raised}ownladder:{_hashed(symbol)}"

    def told_story(self, identity: str) -> str:
        """The mark that a story was told."""
        return f"{self.raised}story:{identity}"

    def told_notice(self, fingerprint: str) -> str:
        """The mark that a notice was told."""
        return f"{self.raised}notice:{_hashed(fingerprint)}"

    def feed(self, address: str) -> str:
        """The stories that a feed is known to have held."""
        return f"{self.raised}feed:{_hashed(address)}"

    def quotes(self) -> str:
        """The last quote of each watched instrument."""
        return f"{self.raised}quotes"

    def trail(self, symbol: str) -> str:
        """The prices of an instrument in the last hours."""
        return f"{self.raised}trail:{_hashed(symbol)}"

    def volumes(self) -> str:
        """How the volume of the last sessions came, by instrument."""
        return f"{self.raised}volumes"

    def history(self) -> str:
        """The settled bars of each watched instrument."""
        return f"{self.raised}history"

    def wanted(self) -> str:
        """The symbols that somebody asked for and nobody watches."""
        return f"{self.raised}wanted"

    def wanting(self) -> str:
        """What the worker waits on for such symbols."""
        return f"{self.raised}wanting"

    def answer(self, symbol: str) -> str:
        """What was last found out about such a symbol."""
        return f"{self.raised}answer:{_hashed(symbol)}"

    def found(self, text: str) -> str:
        """What the source's search had for a name."""
        return f"{self.raised}found:{_hashed(text)}"

    def facts(self) -> str:
        """What the worker says of itself and of the market it watches."""
        return f"{self.raised}facts"

    def bucket(self, route: str) -> str:
        """A connection's own pace."""
        return f"{self.namespace}:{self.schema}:{{b:{route}}}:bucket"

    def fan(self, job: str) -> str:
        """How far a job's fan-out has come."""
        return f"{self.chats}fan:{job}"

    def due(self, route: str) -> str:
        """The chats of a route that have deliveries, by when they are next due."""
        return f"{self.chats}due:{route}"

    def wake(self, route: str) -> str:
        """What an idle sender waits on."""
        return f"{self.chats}wake:{route}"

    def boxes(self) -> str:
        """Every chat's mailbox: the fingerprints it is still to be told, in order, a line each."""
        return f"{self.chats}boxes"

    def shelf(self, chat: str) -> str:
        """The fingerprints that are held for a chat, by when each is due."""
        return f"{self.chats}shelf:{chat}"

    def ledger(self, fingerprint: str) -> str:
        """What became of an alert's deliveries, by chat, and how many were queued."""
        return f"{self.chats}ledger:{fingerprint}"

    def growing(self, chat: str) -> str:
        """The messages of a chat that later alerts may join, by what they fold."""
        return f"{self.chats}growing:{chat}"

    def claims(self) -> str:
        """The sender that holds each claimed chat."""
        return f"{self.chats}claims"

    def claimed(self, token: str) -> str:
        """The chats that one claim took."""
        return f"{self.chats}claimed:{token}"

    def pace(self) -> str:
        """When each chat may be sent to next."""
        return f"{self.chats}pace"

    def counts(self) -> str:
        """How many deliveries ended in which way."""
        return f"{self.chats}counts"

    def dead(self) -> str:
        """The deliveries that nobody can make, by chat and fingerprint, and jobs that nobody can read."""
        return f"{self.chats}dead"

    def subscriptions(self, chat: str) -> str:
        """A chat's topics, each with the machine time since when."""
        return f"{self.chats}subs:{chat}"

    def silence(self, chat: str) -> str:
        """What a chat set of its quiet hours, mutes, digests and zone, a field a setting."""
        return f"{self.chats}silence:{chat}"

    def gone(self) -> str:
        """The chats that cannot be reached, and why, until somebody there comes back."""
        return f"{self.chats}gone"

    def once(self, name: str) -> str:
        """The mark that something came in."""
        return f"{self.chats}once:{_hashed(name)}"

    def page(self, session: str) -> str:
        """The messages that a page was sent."""
        return f"{self.chats}page:{_hashed(session)}"

    def page_marks(self, session: str) -> str:
        """The places of a page's messages, by delivery."""
        return f"{self.chats}pagemarks:{_hashed(session)}"


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
