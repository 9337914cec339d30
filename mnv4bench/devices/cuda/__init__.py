"""NVIDIA GPUs, through torch: an exported program, eager, as a CUDA graph, or compiled.

    runner       the profile made live: what torch and the driver say, and what is missing
    session      one file; its measuring processes
    ask          the process that asks torch about its GPU
    model        within a measuring process: the program on the GPU, in its mode
    rounding     whether its answer is right, in its arithmetic
    gpu          the only module that knows torch.cuda
    nvidia_smi   the only module that knows the driver's program
    taints       what of its readings makes a time unfit to compare

Importing this loads nothing.
"""
