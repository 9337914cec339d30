"""Whether there is a Vulkan loader and a software driver, for tests of the GPU accelerator."""

import ctypes

import pytest

from mnv4bench import gpu_delegate


def has_vulkan() -> bool:
    try:
        ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return False
    return bool(gpu_delegate.software_driver())


needs_vulkan = pytest.mark.skipif(
    not has_vulkan(), reason="no Vulkan loader and SwiftShader here; .ci/packages installs them"
)
