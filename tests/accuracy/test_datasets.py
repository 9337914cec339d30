"""How folders and lists become class numbers, and what is refused rather than guessed."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from mnv4bench.accuracy import ahead, datasets, labels, synsets
from mnv4bench.errors import BadFile, UsageError
from mnv4bench.models import baselines

TENCH, GOLDFISH, LAST = "n01440764", "n01443537", "n15075141"


def images_at(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (len(name), 0, 0)).save(path)
    return folder


def classes(folder: Path, outputs: int, labels: Path | None = None) -> dict[str, int]:
    found = datasets.open_folder(folder, labels, outputs)
    return {found.name(place): number for place, number in enumerate(found.classes)}


def test_the_synsets_are_timms_in_timms_order() -> None:
    timm = find_spec("timm")
    assert timm is not None
    theirs = Path(timm.origin).parent / "data" / "_info" / "imagenet_synsets.txt"
    assert list(synsets.numbers()) == theirs.read_text().split()
    assert len(synsets.numbers()) == 1000
    assert (synsets.numbers()[TENCH], synsets.numbers()[LAST]) == (0, 999)


# --- a folder for each class --------------------------------------------------------------------


def test_as_many_folders_as_classes_are_numbered_as_torchvision_does(tmp_path: Path) -> None:
    baselines.timm_package()  # knows how torchvision is imported beside a torch of another build
    from torchvision.datasets import ImageFolder

    images_at(tmp_path, "dog/1.png", "cat/b.jpg", "cat/a.png", "Zebra/deep/x.png")
    ours = datasets.open_folder(tmp_path, None, 3)
    theirs = {Path(path): number for path, number in ImageFolder(tmp_path).samples}
    assert dict(zip(ours.files, ours.classes, strict=True)) == theirs
    assert ours.numbering == "folder names in sorted order"


def test_some_of_the_thousand_synsets_keep_their_numbers(tmp_path: Path) -> None:
    images_at(tmp_path, f"{LAST}/a.png", f"{GOLDFISH}/b.png")
    assert classes(tmp_path, 1000) == {f"{GOLDFISH}/b.png": 1, f"{LAST}/a.png": 999}
    assert datasets.open_folder(tmp_path, None, 1000).numbering == "ImageNet synsets"
    # A network with two classes was trained on these two.
    assert set(classes(tmp_path, 2).values()) == {0, 1}


def test_all_of_the_thousand_synsets_are_synsets_either_way(tmp_path: Path) -> None:
    for synset in synsets.numbers():
        (tmp_path / synset).mkdir()
    images_at(tmp_path, f"{LAST}/a.png")
    assert classes(tmp_path, 1000) == {f"{LAST}/a.png": 999}
    assert datasets.open_folder(tmp_path, None, 1000).numbering == "ImageNet synsets"


def test_folders_that_are_numbers_mean_themselves(tmp_path: Path) -> None:
    """Sorted as words, 10 would come before 2."""
    images_at(tmp_path, *(f"{number}/a.png" for number in range(12)))
    assert classes(tmp_path, 12)["10/a.png"] == 10
    with pytest.raises(UsageError, match="folder 11 is out of range: the file has 11 classes"):
        datasets.open_folder(tmp_path, None, 11)


def test_an_empty_class_still_has_its_number(tmp_path: Path) -> None:
    images_at(tmp_path, "b/1.png", "c/1.png")
    (tmp_path / "a").mkdir()
    assert classes(tmp_path, 3) == {"b/1.png": 1, "c/1.png": 2}


@pytest.mark.parametrize(
    ("names", "outputs", "sentence", "hint"),
    [
        (("cat/1.png", "dog/1.png"), 1000, r"2 class folders \(cat, dog\).*1,000 classes", "1000"),
        (("val/n01440764/1.png",), 1000, r"1 class folders \(val\)", "synset"),
        ((f"{TENCH}/1.png", f"{LAST}/1.png"), 1001, "1,001 classes", "background"),
        ((f"{TENCH}/1.png", "n99999999/1.png"), 1000, "n99999999", "synset"),
        (("1.png", f"{TENCH}/2.png"), 1000, "1 of 2 images lie in .* itself", "--labels"),
    ],
)
def test_folders_that_cannot_be_numbered_are_refused(
    names: tuple[str, ...], outputs: int, sentence: str, hint: str, tmp_path: Path
) -> None:
    images_at(tmp_path, *names)
    with pytest.raises(UsageError, match=sentence) as refused:
        datasets.open_folder(tmp_path, None, outputs)
    assert hint in refused.value.next_step


# --- a list of labels ---------------------------------------------------------------------------

LISTS = {
    "plain": "b.png 2\na.png 0\nc.jpg 1\n",
    "commas": "name,label\na.png,0\nb.png,2\n\nc.jpg,1\n",
    "tabs": "a.png\t0\nb.png\t2\nc.jpg\t1\n",
    "stems": "# of the set\na 0\nb 2\nc 1\n",
    "in order": "0\n2\n1\n",
    "byte order mark": "\ufeffa.png 0\nb.png 2\nc.jpg 1\n",
    "more than there are": "a.png 0\nb.png 2\nc.jpg 1\nd.png 7\n",
}


@pytest.mark.parametrize("form", LISTS)
def test_a_list_in_any_of_its_forms(form: str, tmp_path: Path) -> None:
    images_at(tmp_path / "val", "a.png", "b.png", "c.jpg")
    listed = tmp_path / "labels.txt"
    listed.write_text(LISTS[form], "utf-8")
    if form == "more than there are":
        found = classes(tmp_path / "val", 10, listed)
    else:
        found = classes(tmp_path / "val", 3, listed)
    assert found == {"a.png": 0, "b.png": 2, "c.jpg": 1}


def test_kaggles_list_of_synsets_and_boxes(tmp_path: Path) -> None:
    images_at(tmp_path / "val", "ILSVRC2012_val_00000001.png", "ILSVRC2012_val_00000002.png")
    listed = tmp_path / "LOC_val_solution.csv"
    listed.write_text(
        "ImageId,PredictionString\n"
        f"ILSVRC2012_val_00000002,{GOLDFISH} 85 1 499 272 {GOLDFISH} 3 4 5 6 \n"
        f"ILSVRC2012_val_00000001,{LAST} 10 10 40 40 \n"
    )
    found = datasets.open_folder(tmp_path / "val", listed, 1000)
    assert found.classes == (999, 1)
    assert found.numbering == "ImageNet synsets in LOC_val_solution.csv"


def test_names_may_hold_blanks_and_folders(tmp_path: Path) -> None:
    images_at(tmp_path / "val", "my cats/a b.png", "other/a b.png")
    listed = tmp_path / "labels.txt"
    listed.write_text("my cats/a b.png 1\nother/a b.png 0\n")
    assert classes(tmp_path / "val", 2, listed) == {"my cats/a b.png": 1, "other/a b.png": 0}


@pytest.mark.parametrize(
    ("text", "outputs", "kind", "sentence"),
    [
        ("a.png 0\nb.png 1\n", 3, UsageError, r"no label for 1 of 3 images: c\.jpg"),
        ("a.png 0\nb.png 1\nc.jpg cat\n", 3, UsageError, "'cat', which is neither"),
        ("a.png 0\nb.png 1\nc.jpg 3\n", 3, UsageError, "label 3 .* is out of range"),
        ("a.png 0\nb.png 1\nc.jpg -1\n", 3, UsageError, "'-1', which is neither"),
        ("0\n1\n", 3, UsageError, "2 labels in order, and there are 3 images"),
        (f"{TENCH}\n{LAST}\n{LAST}\n", 1001, UsageError, "ImageNet synsets, of which there are"),
        (f"{TENCH}\nn99999999\n{LAST}\n", 1000, UsageError, "n99999999"),
        ("1\n500\n1000\n", 1000, UsageError, "development kit"),
        ("a.png 0\na.png 1\n", 3, BadFile, "a.png has two labels, 0 and 1"),
        ("a.png 0\nb.png\n", 3, BadFile, "entry 2 has no label"),
        ("a.png " + "9" * 5000 + "\nb.png 1\nc.jpg 1\n", 3, UsageError, "'9999"),
        ("", 3, BadFile, "holds no labels"),
        ("\n# nothing\n", 3, BadFile, "holds no labels"),
    ],
)
def test_lists_that_do_not_fit_are_refused(
    text: str, outputs: int, kind: type[Exception], sentence: str, tmp_path: Path
) -> None:
    images_at(tmp_path / "val", "a.png", "b.png", "c.jpg")
    listed = tmp_path / "labels.txt"
    listed.write_text(text)
    with pytest.raises(kind, match=sentence):
        datasets.open_folder(tmp_path / "val", listed, outputs)


def test_what_is_no_text_is_no_list(tmp_path: Path) -> None:
    images_at(tmp_path, "a.png")
    with pytest.raises(BadFile, match="not readable as text"):
        labels.read(tmp_path / "a.png")
    with pytest.raises(UsageError, match="is not a file"):
        labels.read(tmp_path)


# --- the digest ---------------------------------------------------------------------------------


def test_the_digest_is_of_names_classes_and_content(tmp_path: Path) -> None:
    import hashlib

    images_at(tmp_path / "val", "a/1.png", "b/1.png")
    told: list[int] = []
    found = datasets.open_folder(tmp_path / "val", None, 2)
    made = datasets.describe(found, 2, told.append)
    whole = hashlib.sha256()
    for place, path in enumerate(found.files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{found.name(place)}\0{place}\0{content}\n".encode())
    assert made.sha256 == whole.hexdigest()
    assert (made.name, made.count, told) == ("val", 2, [1, 2])
    (tmp_path / "val" / "b" / "1.png").chmod(0)  # root reads it all the same
    assert datasets.describe(found, 1, told.append).count == 2


def test_a_name_in_no_encoding_is_no_trouble(tmp_path: Path) -> None:
    import os

    images_at(tmp_path / "a", "1.png")
    (tmp_path / "a").rename(tmp_path / os.fsdecode(b"\xff"))
    found = datasets.open_folder(tmp_path, None, 1)
    assert found.name(0) == "\ufffd/1.png"
    assert datasets.describe(found, 1, lambda _: None).count == 1


def test_results_come_in_order_and_few_are_held() -> None:
    begun: list[int] = []
    results = ahead.in_order(2, lambda item: begun.append(item) or item * item, range(100))
    assert next(results) == 0
    assert len(begun) <= 2 * ahead.AHEAD + 1
    results.close()
    assert list(ahead.in_order(3, lambda item: item * item, range(10))) == [
        item * item for item in range(10)
    ]


def test_an_error_reaches_the_caller() -> None:
    def work(item: int) -> int:
        if item == 5:
            raise BadFile("five")
        return item

    with pytest.raises(BadFile, match="five"):
        list(ahead.in_order(2, work, range(100)))
