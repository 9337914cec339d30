"""A network's graph built of Keras layers and converted by TensorFlow, for competitors.py.

    python benchmarks/keras_build.py STEM FILE    (STEM.json and STEM.npz)

Runs in TensorFlow's environment, without torch and without mnv4bench. An operator that is not here
ends it with its name: what no Keras layer stands for is no Keras build.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from tensorflow import keras

layers = keras.layers
ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "sigmoid": "sigmoid",
    "hardswish": "hard_silu",
    "hardsigmoid": "hard_sigmoid",
}


def main(stem: str, file: str) -> None:
    graph = json.loads(Path(f"{stem}.json").read_text())
    weights = np.load(f"{stem}.npz")
    image = keras.Input((graph["px"], graph["px"], 3), batch_size=1)
    values = {}
    for step in graph["steps"]:
        given = [resolved(each, values, weights, image) for each in step["given"]]
        values[step["name"]] = apply(step["kind"], given)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, values[step["name"]]))
    Path(file).write_bytes(converter.convert())


def resolved(given, values, weights, image):
    """A tensor channels last, a weight as torch has it, or a plain value."""
    if not isinstance(given, dict):
        return given
    return weights[given["weight"]] if "weight" in given else values.get(given["value"], image)


def apply(kind: str, given: list):
    x = given[0]
    match kind:
        case "conv2d":
            return convolution(*given)
        case "linear":
            _, weight, bias = given
            return with_weights(layers.Dense(len(weight)), x, weight.T, bias)
        case "add" if not isinstance(given[1], np.ndarray):
            return layers.Add()([x, given[1]])
        case "mul" if not isinstance(given[1], np.ndarray):
            return layers.Multiply()([x, given[1]])
        case "mul":
            return x * given[1].reshape(-1)
        case "mean" | "adaptive_avg_pool2d":
            return layers.GlobalAveragePooling2D(keepdims=True)(x)
        case "flatten" | "view" | "reshape":
            return layers.Flatten()(x)
        case "dropout":
            return x
        case _ if kind in ACTIVATIONS:
            return layers.Activation(ACTIVATIONS[kind])(x)
    sys.exit(f"no Keras layer for {kind}")


def convolution(x, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    wide, narrow, *kernel = weight.shape
    same = stride == [1, 1] and list(padding) == [side // 2 for side in kernel]
    if not same and any(padding):
        x = layers.ZeroPadding2D(tuple(padding))(x)
    how = {"strides": tuple(stride), "padding": "same" if same else "valid"}
    how |= {"dilation_rate": tuple(dilation), "use_bias": bias is not None}
    if groups > 1 and narrow == 1:
        times = wide // groups
        made = layers.DepthwiseConv2D(tuple(kernel), depth_multiplier=times, **how)
        turned = weight.reshape(groups, times, *kernel).transpose(2, 3, 0, 1)
    else:
        made = layers.Conv2D(wide, tuple(kernel), groups=groups, **how)
        turned = weight.transpose(2, 3, 1, 0)
    return with_weights(made, x, turned, bias)


def with_weights(layer, x, weight, bias):
    y = layer(x)
    layer.set_weights([weight] if bias is None else [weight, bias])
    return y


if __name__ == "__main__":
    main(*sys.argv[1:])
