#!/usr/bin/env bash
# What a gate compares: build_models.sh FOLDER writes this checkout's model files there. Put your own
# export in its place; the files' names are what base and head are paired by.
set -euo pipefail
mnv4bench export mnv4-conv-s mobilenetv3-small --format tflite --output "$1"
