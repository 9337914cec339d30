"""A double of a board: a loopback ssh server, with the host's shell under a Raspberry Pi's files.

``double.Board`` is the board; ``server`` is its ssh server, a process of its own. The genuine ssh
talks to it. Where the board has the aarch64 userland, its Python is real Arm code under qemu.
"""
