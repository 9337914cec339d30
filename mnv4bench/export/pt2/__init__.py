"""A torch module becomes a program of torch.export (.pt2), for devices that run torch."""
