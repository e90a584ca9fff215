"""Seeded damage to bytes: anywhere, to the boxes of MP4, and to the elements of Matroska."""

from __future__ import annotations

import copy
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_ENDS = 2048  # bytes at both ends of a file, where containers keep what describes the rest
_MP4_PARENTS = frozenset(b"moov trak mdia minf stbl edts dinf udta mvex moof traf meta ilst".split())
_EBML_PARENTS = frozenset(
    bytes.fromhex(text)
    for text in "1A45DFA3 18538067 1549A966 1654AE6B AE E0 E1 6D80 6240 1F43B675 A0 1C53BB6B BB B7 1254C367 7373 67C8 "
    "114D9B74 4DBB".split()
)

Damage = Callable[[bytes, random.Random], bytes]


def damage_bytes(data: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """The same with one to six places changed; a piece of `others` may come in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if not data:
            return data
        if others and rng.random() < 0.08:
            other = rng.choice(others)
            at, source, length = _place(data, rng), _place(other, rng), _length(rng)
            data = data[:at] + other[source : source + length] + data[at + length * rng.randrange(2) :]
        else:
            data = rng.choice(_BYTE_DAMAGE)(data, rng)
    return data


def damage_mp4(data: bytes, rng: random.Random) -> bytes:
    """The same with boxes cut, doubled, swapped, moved, renamed, resized, or odd numbers in their fields."""
    root = _Node(b"", b"", children=_mp4_boxes(data))
    return _damage_tree(root, rng, _mp4_bytes)


def damage_matroska(data: bytes, rng: random.Random) -> bytes:
    """The same for the elements of Matroska and WebM."""
    root = _Node(b"", b"", children=_ebml_elements(data))
    return _damage_tree(root, rng, _ebml_bytes)


@dataclass
class _Node:
    """A box or an element; one with children has no payload of its own beyond `payload`, which precedes them."""

    kind: bytes
    payload: bytes
    children: list[_Node] = field(default_factory=list)
    claimed: int | None = None  # size written instead of the true one

    def below(self) -> list[tuple[_Node, int]]:
        """All (parent, position) under this one."""
        found = [(self, position) for position in range(len(self.children))]
        for child in self.children:
            found += child.below()
        return found


def _damage_tree(root: _Node, rng: random.Random, written: Callable[[_Node], bytes]) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = root.below()
        if not places:
            break
        parent, position = rng.choice(places)
        _damage_node(parent, position, places, rng)
    return b"".join(map(written, root.children))


def _damage_node(parent: _Node, position: int, places: list[tuple[_Node, int]], rng: random.Random) -> None:
    node = parent.children[position]
    what = rng.randrange(9)
    if what == 0:
        del parent.children[position]
    elif what == 1:
        parent.children.insert(rng.randrange(len(parent.children) + 1), copy.deepcopy(node))
    elif what == 2:
        other = rng.randrange(len(parent.children))
        parent.children[position], parent.children[other] = parent.children[other], parent.children[position]
    elif what == 3:
        home, _ = rng.choice(places)
        home.children.insert(rng.randrange(len(home.children) + 1), copy.deepcopy(node))
    elif what == 4:
        node.kind = rng.choice(places)[0].kind or node.kind
    elif what == 5:
        node.claimed = rng.choice((*_ODD_NUMBERS, max(0, len(node.payload) + rng.randrange(-16, 17))))
    elif what == 6 and node.children:
        rng.shuffle(node.children)
    elif node.payload:
        node.payload = rng.choice(_BYTE_DAMAGE)(node.payload, rng)


def _mp4_boxes(data: bytes) -> list[_Node]:
    boxes, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        if size < 8 or at + size > len(data):
            break
        body = data[at + 8 : at + size]
        skipped = 4 if kind == b"meta" else 0
        if kind in _MP4_PARENTS:
            boxes.append(_Node(kind, body[:skipped], _mp4_boxes(body[skipped:])))
        else:
            boxes.append(_Node(kind, body))
        at += size
    return boxes


def _mp4_bytes(node: _Node) -> bytes:
    body = node.payload + b"".join(map(_mp4_bytes, node.children))
    size = len(body) + 8 if node.claimed is None else node.claimed & 0xFFFFFFFF
    return struct.pack(">I4s", size, node.kind) + body


def _ebml_elements(data: bytes) -> list[_Node]:
    elements, at = [], 0
    while at + 2 <= len(data):
        kind_length = 9 - data[at].bit_length()
        kind = data[at : at + kind_length]
        at += kind_length
        if kind_length > 4 or at >= len(data) or data[at] == 0:
            break
        size_length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + size_length], "big") & ((1 << 7 * size_length) - 1)
        at += size_length
        if size == (1 << 7 * size_length) - 1:  # of unknown size: to the end
            size = len(data) - at
        body = data[at : at + size]
        at += size
        if kind in _EBML_PARENTS:
            elements.append(_Node(kind, b"", _ebml_elements(body)))
        else:
            elements.append(_Node(kind, body))
    return elements


def _ebml_bytes(node: _Node) -> bytes:
    body = node.payload + b"".join(map(_ebml_bytes, node.children))
    size = len(body) if node.claimed is None else node.claimed
    return node.kind + (size | 1 << 56).to_bytes(8, "big") + body


def _place(data: bytes, rng: random.Random) -> int:
    """A position, often near one of the ends."""
    where = rng.random()
    if where < 0.35:
        return rng.randrange(min(len(data), _ENDS))
    if where < 0.5:
        return max(0, len(data) - 1 - rng.randrange(_ENDS))
    return rng.randrange(len(data))


def _length(rng: random.Random) -> int:
    return int(2 ** rng.uniform(0, 12))


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(int(2 ** rng.uniform(0, 6))):
        changed[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _noise(data: bytes, rng: random.Random) -> bytes:
    at, length = _place(data, rng), _length(rng)
    return data[:at] + rng.randbytes(min(length, len(data) - at)) + data[at + length :]


def _odd_number(data: bytes, rng: random.Random) -> bytes:
    width, value = rng.choice((1, 2, 4, 4, 8)), rng.choice(_ODD_NUMBERS)
    if width == 8 and rng.random() < 0.5:
        value = value << 32 | 0xFFFFFFFF
    number = (value & ((1 << 8 * width) - 1)).to_bytes(width, rng.choice(("big", "little")))
    at = _place(data, rng)
    return data[:at] + number + data[at + width :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + _length(rng) :]


def _end(data: bytes, rng: random.Random) -> bytes:
    return data[: _place(data, rng)]


def _double(data: bytes, rng: random.Random) -> bytes:
    at, length = _place(data, rng), _length(rng)
    return data[: at + length] + data[at:]


def _swap(data: bytes, rng: random.Random) -> bytes:
    length = _length(rng)
    a, b = sorted((_place(data, rng), _place(data, rng)))
    if a + length > b:
        return data
    return data[:a] + data[b : b + length] + data[a + length : b] + data[a : a + length] + data[b + length :]


def _blank(data: bytes, rng: random.Random) -> bytes:
    at, length = _place(data, rng), _length(rng)
    return data[:at] + bytes(min(length, len(data) - at)) + data[at + length :]


_BYTE_DAMAGE: tuple[Damage, ...] = (_flip, _flip, _noise, _odd_number, _odd_number, _cut, _end, _double, _swap, _blank)
