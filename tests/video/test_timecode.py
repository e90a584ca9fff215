from fractions import Fraction

import pytest

from vidtrack.video.timecode import advanced, at_rate

NTSC, FILM = Fraction(30000, 1001), Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("start", "frames", "rate", "expected"),
    [
        ("01:00:00:00", 0, Fraction(25), "01:00:00:00"),
        ("01:00:00:20", 10, Fraction(25), "01:00:01:05"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:01:59;29", 1, NTSC, "00:02:00;02"),
        ("00:00:00;00", 107892, NTSC, "01:00:00;00"),  # an hour of 29.97 frames, SMPTE 12M
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("00:00:59.29", 1, NTSC, "00:01:00.02"),
        ("00:00:59;23", 1, Fraction(24000, 1001), "00:01:00:00"),  # no labels are left out at 23.976
    ],
)
def test_advances_as_smpte_12m_counts(start: str, frames: int, rate: Fraction, expected: str) -> None:
    assert advanced(start, frames, rate) == expected


def test_drop_frame_counts_every_frame_of_a_day_once() -> None:
    one_by_one = "00:08:59;20"
    for i in range(1, 2000):
        one_by_one = advanced(one_by_one, 1, NTSC)
        assert one_by_one == advanced("00:08:59;20", i, NTSC)


@pytest.mark.parametrize("text", ["", "noon", "1:2", "00:00:00"])
def test_other_text_is_not_a_timecode(text: str) -> None:
    assert advanced(text, 1, Fraction(25)) is None


@pytest.mark.parametrize(
    ("timecode", "rate", "other", "expected"),
    [
        ("00:59:59;28", NTSC, FILM, "00:59:59:22"),
        ("00:01:00;02", NTSC, 2 * NTSC, "00:01:00;04"),
        ("00:01:00;05", 2 * NTSC, NTSC, "00:01:00;02"),
        ("10:00:00:23", FILM, NTSC, "10:00:00:28"),
        ("10:00:00;29", NTSC, Fraction(30), "10:00:00:29"),
        ("10:00:00:24", Fraction(25), Fraction(50), "10:00:00:48"),
        ("01:00:00:29", FILM, Fraction(25), "01:00:00:23"),
        ("soon", FILM, Fraction(25), "soon"),
    ],
)
def test_a_timecode_at_another_rate_is_of_the_same_moment(
    timecode: str, rate: Fraction, other: Fraction, expected: str
) -> None:
    assert at_rate(timecode, rate, other) == expected
