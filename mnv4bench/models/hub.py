"""A checkpoint's file from the hub that timm publishes on: the local copy first, then the network.

Knows: the hub's client (huggingface_hub), its cache and its settings, such as HF_HOME and
HF_HUB_OFFLINE. Does not know: timm, tensors, what the file is for.
"""

from __future__ import annotations

import errno
from pathlib import Path

from mnv4bench.errors import MissingExtra, NotMeasured

# In order of preference: a .bin is a pickle, which is then read without running its code.
NAMES = ("model.safetensors", "pytorch_model.bin")
# Until a hub that does not answer counts as out of reach. The client itself would go on for most
# of a minute.
ANSWER_S = 5.0
DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # told without the file that did not fit
RANDOM = "use --weights random"


def fetch(repository: str) -> Path:
    """The checkpoint of ``repository`` ("owner/name") on this disk, downloaded if it has to be.

    A copy in the hub's cache is used as it is, without asking whether there is a newer one.
    Raises NotMeasured: nothing there, no connection, a full or read-only disk; MissingExtra.
    """
    try:
        import huggingface_hub as hub
        from huggingface_hub import errors
    except ModuleNotFoundError as error:
        raise MissingExtra("huggingface_hub", "export", "A checkpoint of timm's hub") from error
    for name in NAMES:
        if isinstance(found := hub.try_to_load_from_cache(repository, name), str):
            return Path(found)
    missing = f"The checkpoint {repository} is not in the local cache"
    by_hand = (
        f"download {NAMES[0]} of {repository} where there is a connection and put it at "
        f"{place(repository)}, or {RANDOM}"
    )
    for name in NAMES:
        try:
            hub.get_hf_file_metadata(hub.hf_hub_url(repository, name), timeout=ANSWER_S)
            return Path(hub.hf_hub_download(repository, name))
        except errors.LocalEntryNotFoundError as error:  # the connection was lost on the way
            raise NotMeasured(
                f"{missing}, and the hub cannot be reached ({_reason(error)}).", by_hand
            ) from error
        except errors.EntryNotFoundError:
            continue
        except errors.OfflineModeIsEnabled as error:
            raise NotMeasured(
                f"{missing}, and the hub is switched off (HF_HUB_OFFLINE).", by_hand
            ) from error
        except errors.HfHubHTTPError as error:
            raise NotMeasured(
                f"{missing}, and the hub does not give it: {_reason(error)}.", by_hand
            ) from error
        except Exception as error:
            if isinstance(error, OSError) and (error.errno in DISK_FULL or error.filename):
                raise NotMeasured(
                    f"{missing}, and cannot be written to {place(repository).parents[2]}: "
                    f"{error.strerror}.",
                    f"make room there, point HF_HOME to another folder, or {RANDOM}",
                ) from error
            raise NotMeasured(
                f"{missing}, and the hub cannot be reached ({_reason(error)}).", by_hand
            ) from error
    raise NotMeasured(
        f"{missing}, and the hub's repository holds neither {' nor '.join(NAMES)}.",
        f"choose another checkpoint, give a file as --weights FILE, or {RANDOM}",
    )


def place(repository: str) -> Path:
    """Where the cache looks for a safetensors file of ``repository`` that was put there by hand."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    try:
        revision = (folder / "refs" / "main").read_text("utf-8")  # left by an earlier download
    except OSError:
        revision = "main"
    return folder / "snapshots" / revision / NAMES[0]


def _reason(error: Exception) -> str:
    said = next(iter(str(error).strip().splitlines()), "")[:200].rstrip(".")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
