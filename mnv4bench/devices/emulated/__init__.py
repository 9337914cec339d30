"""ROOM: instructions per inference, counted under qemu's user mode. A cost, never a latency."""
