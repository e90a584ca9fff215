from __future__ import annotations

import pytest

from vidtrack.core.class_names import class_filter, class_kinds, kinds_apart
from vidtrack.core.errors import UsageError

NAMES = ("", "person", "traffic light", "car", "")


def test_no_choice_is_every_class() -> None:
    assert class_filter(NAMES, None).all()


def test_names_are_matched_as_people_write_them() -> None:
    assert class_filter(NAMES, ("Person", "traffic_light", " CAR ")).tolist() == [False, True, True, True, False]
    assert class_filter(NAMES, ("traffic-light",)).tolist() == [False, False, True, False, False]


def test_all_classes_of_a_name_are_meant() -> None:
    assert class_filter(("person", "car", "Person"), ("person",)).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("preson", "did you mean person?"),
        ("trafic light", "did you mean traffic light?"),
        ("zebra", "it has person, traffic light, car"),
        ("", "no class ''"),
    ],
)
def test_an_unknown_name_is_an_error_with_a_suggestion(wanted: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        class_filter(NAMES, ("person", wanted))
    assert said in str(caught.value)


def test_choosing_nothing_does_not_choose_everything() -> None:
    with pytest.raises(UsageError, match="no class selected"):
        class_filter(NAMES, ())


def test_people_vehicles_and_animals_are_never_one_object_and_things_may_be_anything() -> None:
    kinds = class_kinds(["Person", "car", "motorcycle", "teddy_bear", "bear", ""])
    apart = kinds_apart(kinds, kinds)
    assert apart[0].tolist() == [False, True, True, False, True, False]
    assert apart[1].tolist() == [True, False, False, False, True, False]
    assert not apart[3].any() and not apart[5].any() and (apart == apart.T).all()
