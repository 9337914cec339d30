"""ROOM: reports become conclusions. Pure functions: no files, no plotting, no torch, no numpy."""
