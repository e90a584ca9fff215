"""The house rules that no linter knows: who may import whom, where heavy packages live, how long a file may be."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vidtrack"

# A part may import parts of lower levels, and its own.
LEVELS = [
    {"core"},
    {"ops", "video"},
    {"tracklog"},
    {"model"},
    {"tracking"},
    {"render"},
    {"pipeline"},
    {"datasets", "export"},
    {"report"},
    {"evaluation", "batch"},
    {"training"},
    {"cli"},
]
HOMES = {
    "av": {"video"},
    "typer": {"cli"},
    "rich": {"cli"},
    "torch": {"ops", "model", "tracking", "training"},
    "torchvision": {"model", "training"},
    "transformers": {"model"},
    "huggingface_hub": {"model"},
    "onnxruntime": {"model"},
    "openvino": {"model"},
    "cv2": {"datasets", "render", "model", "tracking", "training", "evaluation", "report"},
}
# The tests of `vidtrack/x/y.py` lie in `tests/x/test_y.py`; those of these modules, where they are used:
TESTED_BY_THEIR_USERS = {
    # records and protocols without behaviour
    "batch/config.py": "batch/test_session.py",
    "batch/engine.py": "batch/engines/test_local.py",
    "batch/events.py": "batch/test_session.py",
    "core/status.py": "tracklog/test_track_log.py",
    "datasets/coco.py": "datasets/test_records.py",
    "export/scene.py": "export/test_build.py",
    "model/protocol.py": "tracking/test_tracker.py",
    # whatever engine runs them
    "batch/engines/ray_worker.py": "batch/engines/test_ray.py",
    "batch/run.py": "batch/engines/test_local.py",
    "batch/worker.py": "batch/engines/test_local.py",
    # through the command that does nothing else
    "batch/inputs.py": "batch/test_plan.py",
    "batch/photo_plan.py": "cli/test_photos.py",
    "batch/photo_record.py": "cli/test_photos.py",
    "batch/photos.py": "cli/test_photos.py",
    "ops/check.py": "cli/test_doctor.py",
    "pipeline/track_detections.py": "cli/test_track.py",
    "render/photo.py": "cli/test_photos.py",
    "render/window_process.py": "render/test_window.py",
    # beside the implementation of transformers
    "model/compiled_attention.py": "model/test_transformers_detector.py",
    "model/decoder.py": "model/test_parity.py",
    "model/detector.py": "model/test_parity.py",
    # through exported files
    "model/calibration.py": "cli/test_weights.py",
    "model/description.py": "cli/test_weights.py",
    "model/exported.py": "model/test_export.py",
    "model/onnx_detector.py": "model/test_export.py",
    "model/onnx_export.py": "model/test_export.py",
    "model/openvino_detector.py": "model/test_export.py",
    "model/openvino_export.py": "model/test_export.py",
    # parts of commands
    "cli/detect_jobs.py": "cli/test_detect.py",
    "cli/detect_options.py": "cli/test_detect.py",
    "cli/import_annotations.py": "datasets/test_corrected_log.py",
    "cli/options.py": "cli/test_app.py",
    "cli/render_options.py": "cli/test_render_choices.py",
    "cli/render_run.py": "cli/test_render.py",
    "cli/report.py": "report/test_html_report.py",
    "cli/review.py": "report/test_review_browser.py",
    "cli/scores.py": "cli/test_evaluate.py",
    "cli/track_options.py": "cli/test_track.py",
}
LONGEST = 400  # lines; a file past this is asked why
# Phrases that a native engineer would word differently, in text that people read.
BANNED = re.compile(
    r"exists already|\banew\b|is not there\b|are not there\b|\bgoes on\b|\btaken up\b|itself left out|\bso long as\b"
    r"|(?<!there )\bis no (?!longer|more)[a-z]|\bframes a second\b|\bwhat became of\b|\b(None|Error) where\b",
    re.IGNORECASE,
)


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))


def part_of(name: str) -> str:
    """`vidtrack.model.detector` is of part `model`."""
    return name.split(".")[1]


@functools.cache
def imports(path: Path, only_at_top: bool = False) -> tuple[str, ...]:
    """Names that a file imports, those for type checkers included unless only the top level counts."""
    tree = ast.parse(path.read_text("utf-8"))
    names: list[str] = []
    for node in tree.body if only_at_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def own_imports() -> Iterator[tuple[Path, str, str]]:
    """Each module, its part, and a name that it imports."""
    for path in modules():
        for name in imports(path):
            yield path, path.relative_to(PACKAGE).with_suffix("").parts[0], name


def identify(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_down_only() -> None:
    level = {part: number for number, parts in enumerate(LEVELS) for part in parts}
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == set(level), "every package has a level"
    wrong = [
        f"{identify(path)} may not import {name}"
        for path, own, name in own_imports()
        if name.startswith("vidtrack.")
        and part_of(name) != own
        and level.get(part_of(name), len(LEVELS)) >= level[own]
        and (own, name) != ("cli", "vidtrack.__version__")
    ]
    assert wrong == []


def test_no_import_circles() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in modules()}
    graph = {
        name: {found for used in imports(path) for found in (used, used.rpartition(".")[0]) if found in names}
        for name, path in names.items()
    }
    try:
        TopologicalSorter({name: uses - {name} for name, uses in graph.items()}).prepare()
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' <- '.join(error.args[1])}")


def test_heavy_packages_stay_at_home() -> None:
    wrong = [
        f"{identify(path)} imports {name}; it belongs in {', '.join(sorted(HOMES[name.split('.')[0]]))}"
        for path, own, name in own_imports()
        if own not in HOMES.get(name.split(".")[0], {own})
    ]
    assert wrong == []


def loaded_with(start: Path) -> list[Path]:
    """A file of the command line and those that it imports at once."""
    found, waiting = set(), [start]
    while waiting:
        path = waiting.pop()
        if path.exists() and path not in found:
            found.add(path)
            names = [name.split(".") for name in imports(path, only_at_top=True) if name.startswith("vidtrack.cli.")]
            waiting += [PACKAGE / "cli" / f"{parts[2]}.py" for parts in names]
    return sorted(found)


def test_commands_import_heavy_parts_when_they_run() -> None:
    light = (
        "vidtrack.core.errors",
        "vidtrack.core.wording",
        "vidtrack.core.atomic_files",
        "vidtrack.core.status",
        "vidtrack.cli",
        "vidtrack.render.style",
        "vidtrack.tracking.config",
        "vidtrack.tracking.registry",
    )
    wrong = [
        f"{identify(path)} imports {name}: import it inside the command"
        for path in loaded_with(PACKAGE / "cli" / "app.py")
        for name in imports(path, only_at_top=True)
        if name.startswith("vidtrack.") and not name.startswith(light)
    ]
    assert wrong == []


def test_files_can_be_read_in_one_go() -> None:
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in [*modules(), *(ROOT / "tests").rglob("*.py")]}
    assert [identify(path) for path, count in lines.items() if count > LONGEST] == []


def test_tests_lie_where_they_are_looked_for() -> None:
    names = [path.relative_to(PACKAGE) for path in modules()]
    assert set(TESTED_BY_THEIR_USERS) <= {name.as_posix() for name in names}, "drop modules that are gone"
    wanted = [
        Path("tests") / TESTED_BY_THEIR_USERS.get(name.as_posix(), name.with_name(f"test_{name.name}"))
        for name in names
    ]
    assert [f"add {path}" for path in wanted if not (ROOT / path).is_file()] == []


def read_by_people() -> list[Path]:
    return [
        *sorted(PACKAGE.rglob("*.py")),
        *sorted(PACKAGE.rglob("assets/*.*")),
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "benchmarks").glob("*.md")),
        *sorted((ROOT / "weights").rglob("*.md")),
    ]


def test_text_is_worded_as_a_native_engineer_would() -> None:
    wrong = [
        f"{identify(path)}:{number}: {line.strip()}"
        for path in read_by_people()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert wrong == []


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert listed == found | {"vidtrack.weights"}


def test_the_public_interface_is_there_and_loads_nothing_before_it_is_used() -> None:
    import vidtrack

    for name in vidtrack.__all__:
        assert getattr(vidtrack, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = vidtrack.nonsense
    assert sorted(vidtrack.__all__) == dir(vidtrack)
