"""A torch exported program (.pt2) read as data and run operator by operator; its code never is.

    archive    what the file holds: JSON and raw tensors
    program    the network that its graph describes

Knows: torch, and what a file from elsewhere may not do. Does not know: what the network is for.
Importing this loads nothing; importing its modules loads torch.
"""
