"""Who is who after people hid or met: identities go to the tracks whose colours they had before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vidtrack.core.boxes import xyxy_to_cxcywh
from vidtrack.core.types import Exchange
from vidtrack.tracking.state import Tracks

SETTLE_SECONDS = 0.4  # after a contact, in which identities may still change and colours are not remembered
SIGHTING_SECONDS = 0.08  # between two sightings; closer ones are the same evidence
UNKNOWN_AGREEMENT = 0.5  # assumed for colours that are not known
LEAST_AGREEMENT = 0.8  # of the colours of each, if known, with the earlier ones of its new identity
LEAST_GAIN = 0.3  # by how much the colours must agree better after an exchange, in two sightings
REACH, SPEED = 1.0, 1.5  # in box sides, and per second: how far people may come while hidden or covered
LEAST_SIZE_RATIO = 0.5
HIDDEN = 2.0  # instead of the share covered, which is at most 1
JUST_BEFORE = 1e-6  # seconds; identities may go wrong in the very frame in which one covers another most


def note_contacts(tracks: Tracks, rows: np.ndarray, clear: np.ndarray, covered: np.ndarray, seconds: float) -> None:
    """Note which tracks are hidden, or covered by others.

    `rows` (N,) are seen now: clearly if `clear` (N,) bool, with the share `covered` (N,) of their boxes under others.
    """
    cover, hidden = np.full(len(tracks), HIDDEN), np.ones(len(tracks), dtype=bool)
    cover[rows], hidden[rows] = covered, ~clear
    began = hidden & (tracks.contact_seconds < seconds - SETTLE_SECONDS)
    worst = hidden & (began | (cover >= tracks.contact_cover))
    tracks.contact_cover[worst] = cover[worst]
    tracks.contact_peak[worst] = seconds - np.where(cover[worst] == HIDDEN, 0.0, JUST_BEFORE)
    tracks.contact_seconds[hidden] = seconds


def note_all_hidden(tracks: Tracks, seconds: float) -> None:
    """Note that none of the tracks is seen."""
    nobody = np.zeros(0, dtype=np.int64)
    note_contacts(tracks, nobody, nobody.astype(bool), nobody, seconds)


def exchange(
    tracks: Tracks, rows: np.ndarray, look: Callable[[np.ndarray], np.ndarray], seconds: float
) -> Exchange | None:
    """Give identities back, of the two tracks for which the colours then agree better by most.

    `rows` (N,) are seen clearly now; `look` gives the colours (M, L) at indices (M,) into `rows`. One of the two had a
    contact just now or is new; the other one did too, or is lost. Two sightings must say so: one alone is often wrong.
    """
    new = seconds - tracks.born_seconds <= SETTLE_SECONDS
    settling = new | (seconds - tracks.contact_seconds <= SETTLE_SECONDS)
    here = np.flatnonzero(settling[rows] & (tracks.ids[rows] > 0))
    rows, n = rows[here], len(here)
    due = seconds - tracks.compared_seconds[rows] >= SIGHTING_SECONDS - 1e-9
    if not due.any():
        return None
    lost = np.flatnonzero((tracks.ids > 0) & (tracks.seen_seconds < seconds) & tracks.settled_colours.any(axis=1))
    others = np.concatenate([rows, lost])
    known = tracks.settled_colours[others].any(axis=1) & ~new[others]
    near = _reachable(tracks, rows, others, seconds) & (known[:n, None] | known) & due[:, None]
    if not near.any():
        return None
    asked = near.any(axis=1) | near[:, :n].any(axis=0)
    tracks.compared_seconds[rows[asked]] = seconds
    found = np.zeros((n, tracks.colours.shape[1]), dtype=np.float32)
    found[asked] = look(here[asked])
    agree = np.where(known, found @ tracks.settled_colours[others].T, UNKNOWN_AGREEMENT)  # (R, O)
    own = np.diag(agree)
    gain = agree - own[:, None]
    gain[:, :n] += gain[:, :n].T
    alike = (agree >= LEAST_AGREEMENT) | ~known
    alike[:, :n] &= alike[:, :n].T
    gain[~(near & alike)] = 0
    first, second = np.unravel_index(gain.argmax(), gain.shape)
    if gain[first, second] < LEAST_GAIN:
        return None
    a, b = int(rows[first]), int(others[second])
    pair, swapped = [a, b], [b, a]
    again = (tracks.suspected_ids[pair] == tracks.ids[swapped]) & (
        seconds - tracks.suspected_seconds[pair] <= SETTLE_SECONDS
    )
    tracks.suspected_ids[pair], tracks.suspected_seconds[pair] = tracks.ids[swapped], seconds
    if not again.all():
        return None
    since = max(tracks.contact_peak[a], tracks.contact_peak[b]) if second < n else tracks.seen_seconds[b]
    done = Exchange(int(tracks.ids[a]), int(tracks.ids[b]), float(since))
    tracks.exchange_identities(a, b)
    if second >= n and new[a]:
        tracks.ids[b] = 0  # it never was another one
    return done


def _reachable(tracks: Tracks, rows: np.ndarray, others: np.ndarray, seconds: float) -> np.ndarray:
    """Mask (R, O) of the pairs of different tracks of similar size that may have been at one place."""
    a, b = xyxy_to_cxcywh(tracks.boxes_xyxy[rows]), xyxy_to_cxcywh(tracks.boxes_xyxy[others])
    a[:, 2:], b[:, 2:] = np.maximum(a[:, 2:], 1e-9), np.maximum(b[:, 2:], 1e-9)
    side = np.sqrt(b[:, 2] * b[:, 3])
    away = np.hypot(a[:, 0, None] - b[:, 0], a[:, 1, None] - b[:, 1]) / side
    apart = seconds - np.minimum(tracks.contact_peak[rows][:, None], tracks.seen_seconds[others])
    ratio = a[:, 3, None] / b[:, 3]
    alike = np.minimum(ratio, 1 / ratio) >= LEAST_SIZE_RATIO
    alike &= tracks.classes[rows][:, None] == tracks.classes[others]
    return alike & (away <= REACH + SPEED * apart) & (rows[:, None] != others)
