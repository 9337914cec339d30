"""Core ML on Apple's chips: this Mac, and an iPhone or iPad on its cable."""
