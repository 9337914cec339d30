"""ROOM: reports become conclusions. Pure functions: no files, no plotting, no torch.

Only what resamples fronts computes with numpy.
"""
