"""mnv4bench: know, with proof, how fast a mobile vision model runs on real hardware."""

__version__ = "0.1.0"
