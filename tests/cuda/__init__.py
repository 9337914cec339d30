"""A double of an NVIDIA GPU: the driver's program, and torch's processor behind our GPU module."""
