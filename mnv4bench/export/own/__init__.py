"""What a person brings: files that are measured as they are, and sources that are exported.

Importing this loads nothing.

    file        .onnx, .tflite, .mlpackage, as artifacts
    source      .pt2, Keras files, SavedModels: told apart, named by their digest
    shapes      sizes for what a file leaves open
    tensorflow_model, tensorflow_lite   TensorFlow's own converter, and what it is compared with
    name        what such a model is called
"""
