"""Ready made phones, each as its maker's properties and clusters say.

Knows: Pixel 4, 6, 8 and 9 and Galaxy S23. Does not know: what a phone does (`android`).
Properties, clusters and drivers are written as they are generally known of these phones, the clocks
of the Pixel 8 from public measurements; builds and serials are made up, and none was read from a
phone.
"""

from __future__ import annotations

from pathlib import Path

from tests.phone.android import Phone


def _properties(
    *,
    model: str,
    device: str,
    maker: str,
    soc: str,
    soc_maker: str,
    platform: str,
    hardware: str,
    android: str,
    sdk: int,
    build: str,
    serial: str,
) -> dict[str, str]:
    brand = maker.lower()
    fingerprint = f"{brand}/{device}/{device}:{android}/{build}/1234567:user/release-keys"
    facts = {
        "ro.product.model": model,
        "ro.product.name": device,
        "ro.product.device": device,
        "ro.product.brand": brand,
        "ro.product.manufacturer": maker,
        "ro.product.board": platform,
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
        "ro.board.platform": platform,
        "ro.hardware": hardware,
        "ro.build.fingerprint": fingerprint,
        "ro.build.id": build,
        "ro.build.type": "user",
        "ro.build.version.release": android,
        "ro.build.version.sdk": str(sdk),
        "ro.build.version.security_patch": "2025-06-05",
        "ro.serialno": serial,
        "ro.boot.qemu": "0",
        "sys.boot_completed": "1",
    }
    if sdk >= 31:  # ro.soc.* came with Android 12
        facts |= {"ro.soc.model": soc, "ro.soc.manufacturer": soc_maker}
    return facts


def pixel8(folder: Path) -> Phone:
    """Pixel 8 (shiba), Tensor G3, Android 15."""
    return Phone(
        folder,
        _properties(
            model="Pixel 8", device="shiba", maker="Google", soc="Tensor G3", soc_maker="Google",
            platform="zuma", hardware="shiba", android="15", sdk=35, build="AP4A.250605.002",
            serial="38091FDJH000P8",
        ),
        [([0, 1, 2, 3], 1_704_000), ([4, 5, 6, 7], 2_367_000), ([8], 2_914_000)],
        {"BIG": 33.0, "MID": 32.0, "LITTLE": 31.5, "G3D": 31.0, "TPU": 31.0, "battery": 25.0},
        {"cpu": 1.0, "gpu": 4.0, "google-edgetpu": 20.0},
    )  # fmt: skip


def pixel6(folder: Path) -> Phone:
    """Pixel 6 (oriole), Tensor G1, Android 15."""
    return Phone(
        folder,
        _properties(
            model="Pixel 6", device="oriole", maker="Google", soc="Tensor", soc_maker="Google",
            platform="gs101", hardware="oriole", android="15", sdk=35, build="AP4A.250605.002",
            serial="1A091FDF6000P6",
        ),
        [([0, 1, 2, 3], 1_803_000), ([4, 5], 2_253_000), ([6, 7], 2_802_000)],
        {"BIG": 33.0, "MID": 32.0, "LITTLE": 31.5, "G3D": 31.0, "TPU": 31.0, "battery": 25.0},
        {"cpu": 1.0, "gpu": 4.0, "google-edgetpu": 20.0},
    )  # fmt: skip


def pixel9(folder: Path) -> Phone:
    """Pixel 9 (tokay), Tensor G4, Android 15."""
    return Phone(
        folder,
        _properties(
            model="Pixel 9", device="tokay", maker="Google", soc="Tensor G4", soc_maker="Google",
            platform="zumapro", hardware="tokay", android="15", sdk=35, build="AP4A.250605.002",
            serial="49071FDAS000P9",
        ),
        [([0, 1, 2, 3], 1_950_000), ([4, 5, 6], 2_600_000), ([7], 3_105_000)],
        {"BIG": 33.0, "MID": 32.0, "LITTLE": 31.5, "G3D": 31.0, "TPU": 31.0, "battery": 25.0},
        {"cpu": 1.0, "gpu": 4.0, "google-edgetpu": 20.0},
    )  # fmt: skip


def pixel4(folder: Path) -> Phone:
    """Pixel 4 (flame), Snapdragon 855, Android 13, its last."""
    return Phone(
        folder,
        _properties(
            model="Pixel 4", device="flame", maker="Google", soc="SM8150", soc_maker="QTI",
            platform="msmnile", hardware="flame", android="13", sdk=33, build="TP1A.221005.002",
            serial="99201FFAZ000P4",
        ),
        [([0, 1, 2, 3], 1_785_600), ([4, 5, 6], 2_419_200), ([7], 2_841_600)],
        {"cpu-0-0-usr": 33.0, "cpu-1-3-usr": 34.0, "gpuss-0-usr": 31.0, "battery": 25.0},
        {"cpu": 1.0, "gpu": 4.0, "hexagon": 8.0, "qti-default": 4.0, "qti-dsp": 8.0},
    )  # fmt: skip


def galaxy_s23(folder: Path) -> Phone:
    """Galaxy S23 (dm1q), Snapdragon 8 Gen 2, Android 14."""
    return Phone(
        folder,
        _properties(
            model="SM-S911B", device="dm1q", maker="samsung", soc="SM8550", soc_maker="QTI",
            platform="kalama", hardware="qcom", android="14", sdk=34, build="UP1A.231005.007",
            serial="R5CW2000S23",
        ),
        [([0, 1, 2], 2_016_000), ([3, 4, 5, 6], 2_803_200), ([7], 3_360_000)],
        {"cpu-0-0": 33.0, "cpu-1-6": 34.0, "gpuss-0": 31.0, "nspss-0": 31.0, "battery": 25.0},
        {"cpu": 1.0, "gpu": 4.0, "npu": 15.0, "external": 15.0},
    )  # fmt: skip
