"""TFLite files: written by LiteRT's torch converter, quantised by Google's quantiser.

Importing this loads nothing.

    exporter    torch module -> fp32 file
    precision   fp32 file -> fp16, int8, int8-dynamic
    ranges      of activations, as XNNPACK's kernels want them
    hard_swish, division    operators that need another form, or more bits, in int8
    graph       a file as a graph that can be walked and changed
"""
