"""timm's published checkpoints: from the hub's cache, from a hub, or a sentence about neither.

The hub is played by a server of this test's own; its client and its cache are the genuine ones.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from mnv4bench import images
from mnv4bench.errors import BadFile, NotMeasured
from mnv4bench.models import baselines, build, calibration, catalog, checkpoint, counts, hub
from mnv4bench.models.weights import Timm
from tests.models.conftest import NETWORKS, SEED

timm = baselines.timm_package()
COMMIT = "c0ffee" + "0" * 34
NOBODY = "http://127.0.0.1:9"  # the discard port: refused at once
CONV_S = "timm/mobilenetv4_conv_small.e2400_r224_in1k"


def point_to(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub's client, and no hub behind it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    point_to(NOBODY, monkeypatch)
    return tmp_path / "hub"


def put(state: dict[str, torch.Tensor], repository: str) -> None:
    """Into the cache, as a download leaves it."""
    folder = hub.place(repository).parents[2]
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    path = hub.place(repository)
    path.parent.mkdir(parents=True)
    save_file(state, path)


# --- tags -------------------------------------------------------------------------------------

# A tag of each MobileNetV4, of another size than the model's where there is one, and baselines
# with other sizes, interpolations, normalisations and forms.
TAGS = {
    "mnv4-conv-s": ("e3600_r256_in1k", 256),
    "mnv4-conv-m": ("e500_r224_in1k", 224),
    "mnv4-conv-l": ("e500_r256_in1k", 256),
    "mnv4-hybrid-m": ("ix_e550_r384_in1k", 384),
    "mnv4-hybrid-l": ("e600_r384_in1k", 384),
    "mobilenetv3-large": ("miil_in21k_ft_in1k", 224),
    "fastvit-t8": ("apple_dist_in1k", 256),
    "efficientvit-b1": ("r288_in1k", 288),
    "timm:test_resnet": ("r160_in1k", 160),
}


def test_no_mobilenetv4_is_left_out() -> None:
    assert set(NETWORKS) <= TAGS.keys()


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """Wider than high, so that a squashed image would show."""
    noise = torch.randint(0, 256, (30, 40, 3), generator=torch.Generator().manual_seed(1))
    small = Image.fromarray(noise.to(torch.uint8).numpy())
    small.resize((400, 300), Image.Resampling.BICUBIC).save(tmp_path / "photograph.png")
    return tmp_path / "photograph.png"


@pytest.mark.parametrize("model", TAGS)
def test_a_tag_gives_timms_outputs_on_timms_images(
    model: str,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    twins: Callable[[str], tuple[nn.Module, nn.Module]],
    photograph: Path,
) -> None:
    """Random weights stand in for the published ones, which are not on every machine."""
    from timm.data import create_transform, resolve_model_data_config

    tag, px = TAGS[model]
    arch = catalog.arch(model)
    if model in NETWORKS:
        _, worn = twins(model)
    else:
        with calibration.seeded(SEED):
            worn = baselines.create(arch)
        calibration.calibrate(worn, 96, SEED)
    put(worn.state_dict(), f"timm/{arch}.{tag}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    theirs = timm.create_model(f"{arch}.{tag}", pretrained=True).eval()  # by timm's own loader
    transform = create_transform(**resolve_model_data_config(theirs))
    with Image.open(photograph) as image, torch.no_grad():
        wanted = theirs(transform(image)[None])
    built = build.build(model, Timm(tag))
    assert built.input_px == px
    assert (built.weights.kind, built.weights.detail) == ("timm", f"{arch}.{tag}")
    assert built.preprocessing is not None
    prepared = images.read(photograph, built.preprocessing)
    assert prepared.shape == (3, px, px)
    with torch.no_grad():
        ours = built.net(torch.from_numpy(prepared)[None])
    assert wanted.std() > 0.01
    assert float((ours - wanted).abs().max() / wanted.abs().max()) < 1e-4
    network = None if catalog.is_timm(model) else catalog.definition(model).network
    if network is not None:
        assert built.macs == counts.total_macs(network, px)
        assert built.weights.sha256 == checkpoint.digest(theirs.state_dict())


# --- no network -------------------------------------------------------------------------------


@pytest.mark.parametrize("interrupted", [False, True], ids=["no folder", "an interrupted download"])
def test_without_a_network_the_sentence_names_a_place_that_works(
    cache: Path, interrupted: bool
) -> None:
    if interrupted:
        refs = hub.place(CONV_S).parents[2] / "refs"
        refs.mkdir(parents=True)
        (refs / "main").write_text(COMMIT)
    with pytest.raises(
        NotMeasured, match="not in the local cache, and the hub cannot be"
    ) as caught:
        build.build("mnv4-conv-s", Timm())
    said = re.search(
        r"download (\S+) of (\S+) where .* put it at (\S+), or", caught.value.next_step
    )
    assert said is not None
    name, repository, place = said.groups()
    assert (name, repository) == ("model.safetensors", CONV_S)
    Path(place).parent.mkdir(parents=True)
    with calibration.seeded(5):
        state = baselines.create("mobilenetv4_conv_small").state_dict()
    save_file(state, place)
    assert build.build("mnv4-conv-s", Timm()).weights.sha256 == checkpoint.digest(state)


def test_a_hub_that_is_switched_off_is_not_asked(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(NotMeasured, match=r"switched off \(HF_HUB_OFFLINE\)") as caught:
        hub.fetch(CONV_S)
    assert str(hub.place(CONV_S)) in caught.value.next_step


# --- a hub ------------------------------------------------------------------------------------


class Hub(BaseHTTPRequestHandler):
    """The hub's answers about files; which repository is asked for decides which."""

    bodies: ClassVar = {"model.safetensors": b"s" * (3 << 20), "pytorch_model.bin": b"bin"}

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        _, owner, repository, _, _, name = self.path.split("/")
        self.server.asked.append(f"{self.command} {owner}/{repository} {name}")  # type: ignore[attr-defined]
        held = self.bodies[name]
        status, code = {
            "whole": (200, ""),
            "pickled": (404, "EntryNotFound") if name.endswith("safetensors") else (200, ""),
            "empty": (404, "EntryNotFound"),
            "absent": (404, "RepoNotFound"),
            "gated": (403, "GatedRepo"),
            "broken": (500, ""),
        }[repository]
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{name}"')
        self.send_header("Content-Length", str(len(held) if status == 200 else 0))
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if body and status == 200:
            self.wfile.write(held)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    serving.asked = []  # type: ignore[attr-defined]
    thread = Thread(target=serving.serve_forever, args=[0.01], daemon=True)
    thread.start()
    point_to(f"http://127.0.0.1:{serving.server_port}", monkeypatch)
    yield serving
    serving.shutdown()
    serving.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("repository", "name"),
    [("timm/whole", "model.safetensors"), ("timm/pickled", "pytorch_model.bin")],
)
def test_a_file_is_downloaded_once(
    server: ThreadingHTTPServer, cache: Path, repository: str, name: str
) -> None:
    path = hub.fetch(repository)
    assert path.name == name
    assert path.is_relative_to(cache)
    assert path.read_bytes() == Hub.bodies[name]
    asked = list(server.asked)
    assert f"GET {repository} {name}" in asked
    assert hub.fetch(repository) == path
    assert server.asked == asked  # the second time nobody was asked


@pytest.mark.parametrize(
    ("repository", "sentence"),
    [
        ("timm/empty", "holds neither model.safetensors nor pytorch_model.bin"),
        ("timm/absent", "the hub does not give it: RepositoryNotFoundError"),
        ("timm/gated", "the hub does not give it: GatedRepoError"),
        ("timm/broken", "the hub does not give it: HfHubHTTPError: Server error '500"),
    ],
)
def test_what_a_hub_does_not_give_is_a_sentence(
    server: ThreadingHTTPServer, repository: str, sentence: str
) -> None:
    with pytest.raises(NotMeasured, match=sentence) as caught:
        hub.fetch(repository)
    assert "--weights random" in caught.value.next_step
    assert {asked.split()[0] for asked in server.asked} == {"HEAD"}
    assert len(server.asked) == len(set(server.asked))  # nothing was tried again


def test_a_full_disk_is_a_sentence_that_names_the_cache(
    server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    """No file of the process may grow past a mebibyte, as if the disk were full."""
    script = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "from mnv4bench.errors import NotMeasured\n"
        "from mnv4bench.models import hub\n"
        "try: hub.fetch('timm/whole')\n"
        "except NotMeasured as error: print(error)\n"
    )
    environment = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": constants.ENDPOINT}
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "cannot be written" in ran.stdout
    assert str(tmp_path / "hub") in ran.stdout
    assert "HF_HOME" in ran.stdout
    assert not list(tmp_path.rglob("model.safetensors"))


def test_a_cache_that_is_no_folder_is_a_sentence(server: ThreadingHTTPServer, cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(NotMeasured, match="cannot be written to"):
        hub.fetch("timm/whole")


@pytest.mark.parametrize("damage", ["truncated", "of another network"])
@pytest.mark.parametrize("model", ["mnv4-conv-s", "mobilenetv3-small"])
def test_a_damaged_copy_is_named_with_the_way_out(cache: Path, model: str, damage: str) -> None:
    repository = f"timm/{build.weights.accuracies.default(model, 'timm').weights}"
    put({"conv_stem.weight": torch.zeros(8, 3, 3, 3)}, repository)
    if damage == "truncated":
        path = hub.place(repository)
        path.write_bytes(path.read_bytes()[:100])
    sentence = "cannot be read" if damage == "truncated" else r"does not fit.*missing"
    with pytest.raises(BadFile, match=sentence) as caught:
        build.build(model, Timm())
    assert f"delete {hub.place(repository)}" in caught.value.next_step
