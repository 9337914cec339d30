"""Core ML packages: written by coremltools, and checked where none can run.

Importing this loads nothing.

    exporter        torch module -> package, in any precision
    neural_engine   attention with the channels first
    structure       the check against torch, weight for weight
    products        what there is to check in a network
    running         where Core ML is: its outputs against those of the program worked out
    in_torch        what a program computes, worked out without Core ML
    package, constants, messages    how a package is read
"""
