"""ONNX files: written by torch's exporter, made smaller by ONNX Runtime's own tools.

Importing this loads nothing.

    exporter    torch module -> fp32 file
    precision   fp32 file -> fp16, int8
    hard_swish  written out for int8 kernels
    wire        what a file says about itself, read without the package onnx
"""
