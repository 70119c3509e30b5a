"""Who owns whom, as far as the caches know. Pure: told of changes, it answers what is to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from controlplane.api.meta_v1 import ObjectMeta, OwnerReference

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


@dataclass(frozen=True, slots=True)
class Identity:
    """One object for all time: its UID, and where to find it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {where}"


@dataclass(eq=False, slots=True)
class Item:
    """An object and its dependents. `virtual`: somebody names it as owner, but no cache has shown it."""

    identity: Identity
    owners: tuple[OwnerReference, ...] = ()
    dependents: dict[str, Item] = field(default_factory=dict)
    virtual: bool = False
    deleting: bool = False
    deletes_dependents: bool = False  # in the foreground: it goes when those that block it are gone
    orphans_dependents: bool = False

    def blocking(self) -> list[Item]:
        """Return the dependents that must go before this may."""
        return [dependent for dependent in self.dependents.values() if dependent._blocks(self.identity.uid)]

    def _blocks(self, uid: str) -> bool:
        return any(owner.uid == uid and owner.block_owner_deletion for owner in self.owners)


@dataclass(frozen=True, slots=True)
class Look:
    """What to look at again, by UID."""

    delete: tuple[str, ...] = ()
    orphan: tuple[str, ...] = ()


class Graph:
    """All objects by UID."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def get(self, uid: str) -> Item | None:
        return self._items.get(uid)

    def __len__(self) -> int:
        return len(self._items)

    def observe(self, identity: Identity, metadata: ObjectMeta) -> Look:
        """Take note of an object as it is now."""
        item = self._items.get(identity.uid)
        if item is None:
            item = self._items[identity.uid] = Item(identity)
        item.identity, item.virtual = identity, False
        look = [*self._set_owners(item, tuple(metadata.owner_references))]
        was_foreground, was_orphan = item.deletes_dependents, item.orphans_dependents
        item.deleting = metadata.deletion_timestamp is not None
        item.deletes_dependents = item.deleting and FOREGROUND in metadata.finalizers
        item.orphans_dependents = item.deleting and ORPHAN in metadata.finalizers
        if item.deletes_dependents and not was_foreground:
            look += [*item.dependents, identity.uid]
        orphan = (identity.uid,) if item.orphans_dependents and not was_orphan else ()
        return Look(tuple(look), orphan)

    def remove(self, uid: str) -> Look:
        """Take note that an object is gone: its dependents may have lost their last owner."""
        item = self._items.pop(uid, None)
        if item is None:
            return Look()
        item.dependents.pop(uid, None)  # somebody may have made it its own owner
        look = [*item.dependents]
        for owner in item.owners:
            look += self._unlink(item, owner.uid)
        if item.dependents:
            # Still named as owner; it stays as a virtual item so that later events find its dependents.
            self._items[uid] = Item(item.identity, dependents=item.dependents, virtual=True)
        return Look(tuple(look))

    def _set_owners(self, item: Item, owners: tuple[OwnerReference, ...]) -> Iterator[str]:
        before = {owner.uid: owner for owner in item.owners}
        after = {owner.uid: owner for owner in owners}
        item.owners = owners
        for uid, owner in after.items():
            if uid not in before:
                yield from self._link(item, owner)
            elif before[uid].block_owner_deletion and not owner.block_owner_deletion:
                yield from self._unblocked(uid)
        for uid in before.keys() - after.keys():
            yield from self._unlink(item, uid)

    def _link(self, item: Item, owner: OwnerReference) -> Iterator[str]:
        known = self._items.get(owner.uid)
        if known is None:
            where = item.identity.namespace
            identity = Identity(owner.api_version, owner.kind, where, owner.name, owner.uid)
            known = self._items[owner.uid] = Item(identity, virtual=True)
        known.dependents[item.identity.uid] = item
        if known.virtual:
            yield owner.uid  # ask the server whether there is such an owner
        elif known.deletes_dependents or not _is_named_rightly(item, owner, known):
            yield item.identity.uid

    def _unlink(self, item: Item, uid: str) -> Iterator[str]:
        owner = self._items.get(uid)
        if owner is None:
            return
        owner.dependents.pop(item.identity.uid, None)
        if owner.virtual and not owner.dependents:
            del self._items[uid]
        else:
            yield from self._unblocked(uid)

    def _unblocked(self, uid: str) -> Iterator[str]:
        owner = self._items.get(uid)
        if owner is not None and owner.deletes_dependents:
            yield uid


def _is_named_rightly(item: Item, reference: OwnerReference, owner: Item) -> bool:
    """Whether the reference agrees with the object of that UID; else the object it names may not be there at all."""
    identity = owner.identity
    same = (reference.api_version, reference.kind, reference.name) == (
        identity.api_version, identity.kind, identity.name,
    )  # fmt: skip
    return same and identity.namespace in ("", item.identity.namespace)
