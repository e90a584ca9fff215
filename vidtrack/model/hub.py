"""Models of the Hugging Face Hub through its own client, with its cache, tokens, mirrors and offline mode."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vidtrack.core.errors import OutputError, UsageError, WeightsError
from vidtrack.model.detector_families import is_own, reads_text

PREFIX = "hf:"
ENDPOINT_VARIABLE = "HF_ENDPOINT"
_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_SETTINGS = ["*.json", "*.txt", "*.model"]
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_name(text: str) -> bool:
    """Whether the text is owner/name, with or without a revision."""
    return _NAME.fullmatch(text) is not None


class HubModel(NamedTuple):
    """A repository at a revision: a commit, tag or branch."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision}"

    @classmethod
    def parse(cls, name: str) -> HubModel:
        """The model of `hf:owner/name` or `hf:owner/name@revision`; raises UsageError."""
        match = _NAME.fullmatch(name.removeprefix(PREFIX))
        if match is None:
            raise UsageError(f"{name!r} is not a model of the Hub", "use hf:owner/name or hf:owner/name@revision")
        return cls(match["repo"], match["revision"] or "main")


def download_folder(model: HubModel, cache: Path) -> Path:
    """The folder of a detector's settings and weights, downloaded if needed; raises WeightsError or UsageError.

    The config comes first; if the model does not detect objects, nothing else is downloaded.
    """
    from huggingface_hub import snapshot_download

    def snapshot(*patterns: str) -> Path:
        return Path(
            snapshot_download(
                model.repo,
                revision=model.revision,
                cache_dir=cache,
                endpoint=_endpoint(),
                allow_patterns=[*patterns],
                ignore_patterns=["*/*"],
            )
        )

    with _hub_errors(model):
        folder = snapshot(*_SETTINGS)
        if not (folder / "config.json").is_file():
            raise WeightsError(f"{model} has no config.json: it is not a model of transformers")
        from vidtrack.model.checkpoint_formats import read_json  # imports PyTorch

        config = read_json(folder / "config.json")
        if not is_own(config):
            reads_text(config, str(model))
        snapshot("*.safetensors")
        if not list(folder.glob("*.safetensors")):
            snapshot("*.bin")
    return folder


def download_file(model: HubModel, names: tuple[str, ...], cache: Path) -> Path:
    """The first of the named files that the repository has, downloaded if needed; raises WeightsError."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    with _hub_errors(model):
        for name in names:
            try:
                path = hf_hub_download(model.repo, name, revision=model.revision, cache_dir=cache, endpoint=_endpoint())
            except EntryNotFoundError as error:
                if name == names[-1] or _is_offline(error):
                    raise
                continue
            return Path(path)
    raise WeightsError(f"{model} has none of {', '.join(names)}")


def cached(model: HubModel, names: tuple[str, ...], cache: Path) -> Path | None:
    """One of the named files, if it is on this machine."""
    from huggingface_hub import try_to_load_from_cache

    for name in names:
        found = try_to_load_from_cache(model.repo, name, cache_dir=cache, revision=model.revision)
        if isinstance(found, str):
            return Path(found)
    return None


def expected_sha256(path: Path) -> str | None:
    """What a file of the Hub's cache must hash to: large files are stored under their hash."""
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) else None


def _endpoint() -> str | None:
    return os.environ.get(ENDPOINT_VARIABLE)  # read now: the client reads it when it is imported


def _is_offline(error: Exception) -> bool:
    from huggingface_hub.errors import LocalEntryNotFoundError

    return isinstance(error, LocalEntryNotFoundError)


@contextmanager
def _hub_errors(model: HubModel) -> Iterator[None]:
    """One line for whatever the Hub, the network or the disk refuses; bars are shown on terminals only."""
    from huggingface_hub import errors
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars

    if not sys.stderr.isatty() and not are_progress_bars_disabled():
        disable_progress_bars()
    page = f"{_endpoint() or 'https://huggingface.co'}/{model.repo}"
    try:
        yield
    except (WeightsError, UsageError):
        raise
    except errors.GatedRepoError:
        raise WeightsError(
            f"{model.repo} is gated: its owner asks you to accept terms",
            f"accept them at {page}, then run `hf auth login` or set HF_TOKEN",
        ) from None
    except errors.RepositoryNotFoundError:
        raise WeightsError(
            f"the Hub has no model {model.repo}",
            "check the name; for a private one run `hf auth login` or set HF_TOKEN",
        ) from None
    except errors.RevisionNotFoundError:
        raise WeightsError(f"{model.repo} has no revision {model.revision}", f"see {page}/commits") from None
    except errors.HFValidationError:
        raise UsageError(f"{model.repo!r} is not a name that the Hub allows", "use hf:owner/name") from None
    except errors.LocalEntryNotFoundError:
        raise WeightsError(
            f"{model} is not on this machine and {_endpoint() or 'the Hub'} cannot be reached",
            "offline? give the path of a folder with the model instead",
        ) from None
    except errors.EntryNotFoundError as error:
        raise WeightsError(f"{model} lacks a file: {_first_line(error)}") from None
    except OSError as error:
        if error.errno is None:  # a status or a broken connection
            raise WeightsError(f"cannot download {model}: {_first_line(error)}", "try again later") from None
        raise OutputError(
            f"cannot write {error.filename or 'the download'}: {error.strerror}", "set VIDTRACK_CACHE to another folder"
        ) from None
    except Exception as error:  # the client's network library has errors of its own
        raise WeightsError(f"cannot download {model}: {_first_line(error)}", "try again later") from None


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
