"""ROOM: reference networks, their weights, and what is published about them.

Two halves. Light, for everybody who reads: ``specs`` (the networks as tables), ``counts``
(parameters and MACs by arithmetic), ``catalog`` (the one table of models), ``accuracies`` and
``published`` (figures with citations), ``weights`` (what ``--weights`` means), ``preprocessing``
(the images that they want) and ``hub`` (where a published checkpoint lies). Heavy, only where a
network is built: ``mnv4`` (the networks in torch), ``baselines`` (timm's), ``checkpoint`` and
``build``.

Nothing is imported here, so that reading never loads torch.
"""
