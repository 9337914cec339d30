"""Makes a Python believe that coremltools has its compiled part: loaded where it is on PYTHONPATH.

Everything else of coremltools stays genuine. Its wheel for Linux lacks ``libcoremlpython`` and the
helper app's project (CORE_ML_RUNNER), and it asks which macOS it is on. With CORE_ML_PHONE a phone
answers from within the process, by coremltools' wrapper for this machine: a trip takes none.
"""

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import SimpleNamespace

COMPILED_PART = Path(__file__).with_name("libcoremlpython.py")


class _AsOnMacOs(SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        module._macos_version = lambda: (26, 1)


class _Phones(SourceFileLoader):
    """coremltools' remote_device, with the helper app's project where the test has it."""

    def exec_module(self, module):
        super().exec_module(module)
        runner = Path(os.environ.get("CORE_ML_RUNNER", "/nowhere"))
        module._ModelRunnerAppBuilder._get_project_path = staticmethod(lambda: runner)
        if os.environ.get("CORE_ML_PHONE"):

            async def prepared(self, **_):
                return SimpleNamespace(session=SimpleNamespace(stop=lambda: None))

            module.Device.prepare_for_model_debugging = prepared


class _Wrappers(SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        if os.environ.get("CORE_ML_PHONE"):
            genuine = module.MLModelAsyncWrapper.from_spec_or_path

            def nearby(*given, device=None, **named):
                assert device is not None
                return genuine(*given, **named)

            module.MLModelAsyncWrapper.from_spec_or_path = staticmethod(nearby)


LOADERS = {
    "coremltools.models.utils": _AsOnMacOs,
    "coremltools.models.ml_program.experimental.remote_device": _Phones,
    "coremltools.models.ml_program.experimental.async_wrapper": _Wrappers,
}


class _Finder:
    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        if name == "coremltools.libcoremlpython":
            return importlib.util.spec_from_file_location(name, COMPILED_PART)
        if loader := LOADERS.get(name):
            spec = PathFinder.find_spec(name, path)
            spec.loader = loader(name, spec.origin)
            return spec
        return None


sys.meta_path.insert(0, _Finder)
