"""Files of the catalog's models by every other path that is known, for export_speed.py.

    python benchmarks/competitors.py PATH MODEL FILE [PYTHON]

Each takes timm's own network, with the weights and in the deployed form that ours has, and does
what a person types first:

    dynamo      torch.onnx.export(net, (x,), file, dynamo=True)
    legacy      the same with dynamo=False, the TorchScript exporter
    onnxslim    what onnxslim makes of dynamo's file
    onnxsim     what onnxsim makes of dynamo's file
    litert      litert_torch.convert(to_channel_last_io(net), (x,))
    onnx2tf     what onnx2tf makes of dynamo's file
    keras       the same graph built of Keras layers (keras_build.py), by TensorFlow's converter

PYTHON runs the four that are not installed beside torch; ENVIRONMENTS says how each is made.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

PATHS = {
    "onnx": ("dynamo", "legacy", "onnxslim", "onnxsim"),
    "tflite": ("litert", "onnx2tf", "keras"),
}
# What stands in no environment beside torch, and how to make one: its pins clash with ours.
ENVIRONMENTS = {
    "onnxslim": "python -m venv DIR && DIR/bin/pip install onnxslim==0.1.98 onnx==1.23.2",
    "onnxsim": "python -m venv DIR && DIR/bin/pip install onnxsim==0.8.1 onnx==1.23.2",
    "onnx2tf": (
        "python -m venv DIR && DIR/bin/pip install onnx2tf==1.29.24 numpy==1.26.4 onnx==1.19.1 "
        "protobuf==4.25.5 tensorflow==2.19.0 ai-edge-litert==2.1.0"
    ),
    "keras": "python -m venv DIR && DIR/bin/pip install tensorflow-cpu==2.21.0",
}
WEIGHTS = "random"
# onnx2tf downloads this file, images to compare on, unless it lies in its working directory.
ONNX2TF_SAMPLES = "calibration_image_sample_data_20x128x128x3_float32.npy"


def make(path: str, model: str, file: Path, python: str) -> None:
    """Write ``file``, whole or not at all. Ends this process with a sentence where it cannot."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        made = Path(folder, f"model{file.suffix}")
        match path:
            case "dynamo" | "legacy":
                export_onnx(model, made, dynamo=path == "dynamo")
            case "litert":
                export_tflite(model, made)
            case "onnxslim" | "onnxsim":
                other(python, ["-m", path, str(by_dynamo(model, file.parent)), str(made)])
            case "onnx2tf":
                made = by_onnx2tf(by_dynamo(model, file.parent), Path(folder), python)
            case "keras":
                write_graph(model, Path(folder, "graph"))
                script = str(Path(__file__).with_name("keras_build.py"))
                other(python, [script, str(Path(folder, "graph")), str(made)])
        made.replace(file)


def network(model: str):
    """(timm's module, one example (1, 3, H, W))."""
    from mnv4bench.models import baselines, build, catalog, weights

    built = build.build(model, weights.parse(WEIGHTS))
    net = built.net
    if catalog.definition(model).network:  # ours is written out; timm's has the same names
        net = baselines.create(catalog.arch(model))
        net.load_state_dict(built.net.state_dict(), strict=True)
    return net.eval().requires_grad_(False), build.sample_input(built.input_px, seed=0, count=1)


def export_onnx(model: str, file: Path, *, dynamo: bool) -> None:
    import torch

    net, example = network(model)
    torch.onnx.export(net, (example,), str(file), dynamo=dynamo, external_data=False)


def export_tflite(model: str, file: Path) -> None:
    import litert_torch

    net, example = network(model)
    channels_last = litert_torch.to_channel_last_io(net, args=[0]).eval()
    litert_torch.convert(channels_last, (example.permute(0, 2, 3, 1).contiguous(),)).export(
        str(file)
    )


def by_dynamo(model: str, folder: Path) -> Path:
    """dynamo's file, from the folder or made in it: three paths begin with it."""
    file = folder / f"{model}.dynamo.onnx"
    if not file.exists():
        make("dynamo", model, file, sys.executable)
    return file


def by_onnx2tf(source: Path, folder: Path, python: str) -> Path:
    import numpy as np

    shutil.copy(source, folder / "source.onnx")  # it is rewritten in place
    np.save(folder / ONNX2TF_SAMPLES, np.random.default_rng(0).random((20, 128, 128, 3), "float32"))
    command = ["-c", "from onnx2tf import main; main()", "-i", "source.onnx", "-o", ".", "-n"]
    other(python, command, folder)
    return folder / "source_float32.tflite"


def write_graph(model: str, stem: Path) -> None:
    """The network's operators and weights without torch: ``stem``.json and ``stem``.npz."""
    import numpy as np
    import torch

    from mnv4bench.export.folding import folded

    net, example = network(model)
    program = torch.export.export(folded(net, example), (example,))
    tensors = {**program.state_dict, **program.constants}
    names = {**program.graph_signature.inputs_to_parameters}
    names |= program.graph_signature.inputs_to_buffers
    steps, arrays = [], {}

    def said(value: object) -> object:
        if not isinstance(value, torch.fx.Node):
            return [said(each) for each in value] if isinstance(value, (list, tuple)) else value
        if value.name in names:
            arrays[value.name] = tensors[names[value.name]].numpy()
            return {"weight": value.name}
        return {"value": value.name, "shape": list(value.meta["val"].shape)}

    for node in program.graph.nodes:
        if node.op == "call_function":
            kind = node.target._opname.removesuffix("_")
            steps.append({"name": node.name, "kind": kind, "given": said(node.args)})
    stem.with_suffix(".json").write_text(json.dumps({"px": example.shape[-1], "steps": steps}))
    np.savez(stem.with_suffix(".npz"), **arrays)


def other(python: str, words: list[str], folder: Path | None = None) -> None:
    """Run something in another environment."""
    ran = subprocess.run([python, *words], capture_output=True, text=True, check=False, cwd=folder)
    if ran.returncode:
        sys.exit(f"{python} {words[0]} failed: {(ran.stderr or ran.stdout)[-1500:]}")


if __name__ == "__main__":
    path, model, file, *python = sys.argv[1:]
    if path in ENVIRONMENTS and (not python or not shutil.which(python[0])):
        sys.exit(f"{path} needs the python of its own environment: {ENVIRONMENTS[path]}")
    warnings.simplefilter("ignore")
    make(path, model, Path(file).absolute(), *(python or [sys.executable]))
